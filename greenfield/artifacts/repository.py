"""The signed apt repository below ``apt/`` of the served folder: pool, index, signature."""

from __future__ import annotations

import hashlib
import lzma
import re
import shutil
import tempfile
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path

from greenfield.artifacts.command import run
from greenfield.artifacts.digests import DigestCache, sha256_of
from greenfield.artifacts.lock import Lock
from greenfield.artifacts.place import state_dir
from greenfield.artifacts.signing import SigningKey, verify_signature
from greenfield.errors import ArtifactError

INDEX_SECONDS = 600
"""apt-ftparchive reads every package once; some hundred megabytes a second."""

ONLY_SHA256 = [
    part
    for name in ("MD5", "SHA1", "SHA512")
    for part in ("-o", f"APT::FTPArchive::{name}=false", "-o", f"APT::FTPArchive::Release::{name}=false")
]


def publish(lock: Lock, folder: Path) -> None:
    """Index and sign the pool; the same lock and key give the same index, byte for byte.

    Raises:
        ArtifactError: apt-ftparchive or gpg failed, or the signing key is not here.
    """
    state = state_dir(lock.site)
    with tempfile.TemporaryDirectory(dir=state, prefix="publish-") as scratch:
        dists = Path(scratch) / "dists" / lock.release
        binary = dists / "main" / f"binary-{lock.architecture}"
        binary.mkdir(parents=True)
        index = run(["apt-ftparchive", *ONLY_SHA256, "packages", "pool"], cwd=folder / "apt", timeout=INDEX_SECONDS)
        (binary / "Packages").write_text(index, encoding="utf-8")
        (binary / "Packages.xz").write_bytes(lzma.compress(index.encode(), preset=6))
        release = dists / "Release"
        release.write_text(_release(lock, dists), encoding="utf-8")
        SigningKey(lock.site).sign(release, lock.fingerprint)
        for path in [Path(scratch) / "dists", *(Path(scratch) / "dists").rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        _exchange(Path(scratch) / "dists", folder / "apt" / "dists")


def _release(lock: Lock, dists: Path) -> str:
    """The text of a Release. Dated by the lock, so that signing again does not look like news to hosts."""
    date = format_datetime(datetime.fromisoformat(lock.created)).replace("+0000", "UTC")
    lines = [
        "Origin: Greenfield",
        f"Label: Greenfield mirror of {lock.site}",
        f"Suite: {lock.release}",
        f"Codename: {lock.release}",
        f"Date: {date}",
        f"Architectures: {lock.architecture}",
        "Components: main",
        f"Description: what the lock of site {lock.site} names",
        "SHA256:",
    ]
    for path in sorted(p for p in dists.rglob("Packages*") if p.is_file()):
        lines.append(f" {sha256_of(path)} {path.stat().st_size} {path.relative_to(dists)}")
    return "\n".join(lines) + "\n"


def _exchange(fresh: Path, place: Path) -> None:
    """Put ``fresh`` at ``place``; what was there goes."""
    old = fresh.with_name("old")
    if place.exists():
        shutil.move(place, old)
    shutil.move(fresh, place)


def index_problem(lock: Lock, folder: Path, digests: DigestCache) -> str:
    """What is wrong with the repository's index, or nothing: its signature, its digests, and that it lists the lock.

    What was found good is remembered until the index or the lock changes.
    """
    if not lock.packages:
        return ""
    dists = folder / "apt" / "dists" / lock.release
    signed, packages = dists / "InRelease", dists / "main" / f"binary-{lock.architecture}" / "Packages.xz"
    try:
        token = hashlib.sha256(f"{digests.digest(signed)}{digests.digest(packages)}{lock.digest}".encode()).hexdigest()
    except (FileNotFoundError, NotADirectoryError) as error:
        return f"{error.filename} is missing"
    good = state_dir(lock.site) / "index-ok"
    if good.exists() and good.read_text(encoding="utf-8") == token:
        return ""
    problem = _index_problem(lock, signed, packages)
    if not problem:
        good.write_text(token, encoding="utf-8")
    return problem


def _index_problem(lock: Lock, signed: Path, packages: Path) -> str:
    with tempfile.TemporaryDirectory(dir=state_dir(lock.site), prefix="verify-") as scratch:
        problem = verify_signature(signed, lock.apt_key, lock.fingerprint, Path(scratch))
    if problem:
        return f"{signed} is not signed by the lock's key {lock.fingerprint}: {problem}"
    listed = re.findall(r"^ ([0-9a-f]{64}) +\d+ +(\S+)$", signed.read_text(encoding="utf-8"), re.MULTILINE)
    if (sha256_of(packages), str(packages.relative_to(signed.parent))) not in listed:
        return f"{packages} is not the one that {signed} is signed for"
    if _listed(packages) != {(p.path, p.sha256) for p in lock.packages.values()}:
        return f"{packages} lists other packages than the lock"
    return ""


def _listed(packages: Path) -> set[tuple[str, str]]:
    """``(path, SHA-256)`` of every package in an index."""
    try:
        text = lzma.decompress(packages.read_bytes()).decode()
    except lzma.LZMAError as error:
        raise ArtifactError(f"{packages} can't be read: {error}", fix="greenfield mirror sync SPEC") from error
    found = set()
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^(Filename|SHA256): (\S+)$", stanza, re.MULTILINE))
        if fields:
            found.add((fields["Filename"], fields["SHA256"]))
    return found

"""apt's own solver and downloads in a private root: the workstation's sources and keys, the hosts' release, no dpkg."""

from __future__ import annotations

import fcntl
import re
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from greenfield.artifacts.command import run
from greenfield.artifacts.lock import Package
from greenfield.artifacts.place import cache
from greenfield.errors import ArtifactError

UPDATE_SECONDS = 600
SOLVE_SECONDS = 120
FRESH_SECONDS = 3600
"""Package lists younger than this are not asked for again."""

URI_LINE = re.compile(r"^'(?P<uri>[^']+)' (?P<file>\S+) (?P<bytes>\d+) SHA256:(?P<sha256>[0-9a-f]{64})$")


class AptRoot:
    """A private apt root for one Debian release and architecture, kept in the cache.

    Other releases that the workstation's sources name are pinned away, so a workstation with backports or with
    vendors' repositories computes the same closure as one without.
    """

    def __init__(self, release: str, architecture: str) -> None:
        """``release`` is a codename (``bookworm``); its updates and security suites belong to it."""
        self.release = release
        self.architecture = architecture
        self.folder = cache() / "apt" / f"{release}-{architecture}"

    def refresh(self, *, force: bool = False) -> None:
        """Have package lists, verified by apt against the workstation's keyrings.

        Raises:
            ArtifactError: apt-get update failed, or no source of the workstation has the release.
        """
        for name in ("lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            stamp = self.folder / "updated"
            if not force and stamp.exists() and time.time() - stamp.stat().st_mtime < FRESH_SECONDS:
                return
            (self.folder / "status").write_text("")
            (self.folder / "preferences").write_text(self._preferences())
            run(["apt-get", *self.options, "update", "-qq"], timeout=UPDATE_SECONDS)
            if f"n={self.release}," not in run(["apt-cache", *self.options, "policy"]):
                raise ArtifactError(
                    f"no apt source of this workstation has Debian {self.release}",
                    fix=f"add a source for {self.release} main, {self.release}-updates and {self.release}-security",
                )
            stamp.touch()

    def closure(self, names: Sequence[str]) -> dict[str, tuple[Package, str]]:
        """Everything a system with nothing installed needs for these packages: name to package and its URI.

        Recommended packages are left out, as hosts leave them out.

        Raises:
            ArtifactError: apt can't satisfy them.
        """
        listed = self._apt(["--print-uris", "--no-install-recommends", "install", *names])
        return {package.name: (package, uri) for package, uri in parse_uris(listed, self.architecture)}

    def locate(self, packages: Iterable[Package]) -> Mapping[str, str]:
        """SHA-256 to URI of exactly these versions.

        Raises:
            ArtifactError: upstream no longer has one of them, or has other bytes under its version.
        """
        wanted = list(packages)
        if not wanted:
            return {}
        self.refresh()
        try:
            listed = self._apt(["--print-uris", "download", *(f"{p.name}={p.version}" for p in wanted)])
        except ArtifactError as error:
            raise ArtifactError(
                f"upstream no longer has what the lock names: {error.message}",
                fix="greenfield mirror add NAME FILE for a copy you have, or: greenfield mirror lock SPEC --update",
            ) from error
        found = {package.sha256: uri for package, uri in parse_uris(listed, self.architecture)}
        for package in wanted:
            if package.sha256 not in found:
                raise ArtifactError(
                    f"upstream has other bytes for {package.name} {package.version} than the lock ({package.sha256})",
                    fix="find out why before anything else; if it is right: greenfield mirror lock SPEC --update",
                )
        return found

    def updates(self, status: Path, folder: Path) -> list[Path]:
        """Fetch into ``folder`` what a system with this dpkg status file would be upgraded to; the files' paths.

        Raises:
            ArtifactError: upstream can't be reached, or has other bytes than its lists say.
        """
        self.refresh()
        listed = self._apt(["-o", f"Dir::State::status={status}", "--print-uris", "upgrade"])
        wanted = [
            (uri, folder / Path(package.path).name, package.sha256)
            for package, uri in parse_uris(listed, self.architecture)
        ]
        with (self.folder / "lock").open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            failed = download(self, wanted, UPDATE_SECONDS, guard.fileno()) if wanted else ""
        if failed:
            raise ArtifactError(f"updates of Debian {self.release} can't be fetched: {failed}")
        return [path for _, path, _ in wanted]

    @property
    def options(self) -> list[str]:
        """Options of every apt command that keep it inside this root."""
        settings = {
            "Dir::State::lists": self.folder / "lists",
            "Dir::State::status": self.folder / "status",
            "Dir::State::extended_states": self.folder / "extended_states",
            "Dir::Cache": self.folder / "cache",
            "Dir::Etc::preferences": self.folder / "preferences",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Log": self.folder,
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            # Print and check SHA-256 even where apt would print MD5 for old callers.
            "Acquire::ForceHash": "SHA256",
        }
        return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]

    def _apt(self, arguments: Sequence[str]) -> str:
        return run(["apt-get", *self.options, "-qq", "-y", *arguments], timeout=SOLVE_SECONDS, cwd=self.folder)

    def _preferences(self) -> str:
        wanted = f"n=/^{self.release}(-updates|-security)?$/"
        return (
            f"Package: *\nPin: release {wanted}\nPin-Priority: 990\n\nPackage: *\nPin: release o=*\nPin-Priority: -1\n"
        )


def parse_uris(listed: str, architecture: str) -> list[tuple[Package, str]]:
    """Packages and URIs out of what ``apt-get --print-uris`` prints.

    Raises:
        ArtifactError: a line is of another shape, or a package has no SHA-256.
    """
    found = []
    for line in listed.splitlines():
        if not line.startswith("'"):
            continue
        match = URI_LINE.match(line)
        if not match or "/pool/" not in match["uri"]:
            raise ArtifactError(f"apt printed a package without a SHA-256 or a pool path: {line}")
        name, version, arch = match["file"].removesuffix(".deb").split("_")
        path = "pool/" + unquote(match["uri"].split("/pool/", 1)[1])
        package = Package(name, unquote(version), arch, path, match["sha256"], int(match["bytes"]))
        if arch not in (architecture, "all"):
            raise ArtifactError(f"apt chose {name} for {arch}, not for {architecture}")
        found.append((package, match["uri"]))
    return found


def download(root: AptRoot, wanted: Sequence[tuple[str, Path, str]], seconds: float, guard: int) -> str:
    """Have apt fetch ``(uri, path, sha256)``, each resumed where it stopped; returns what it said of failures.

    ``guard`` is the descriptor of a held lock that apt inherits.

    Proxies, credentials and mirrors are the workstation's apt configuration.
    """
    triples = [part for uri, path, sha256 in wanted for part in (uri, str(path), f"SHA256:{sha256}")]
    command = ["/usr/lib/apt/apt-helper", *root.options, "-o", "Acquire::Retries=3", "download-file", *triples]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, pass_fds=(guard,))
    except subprocess.TimeoutExpired:
        return f"not finished within {seconds:.0f} s"
    return done.stderr.strip() if done.returncode else ""

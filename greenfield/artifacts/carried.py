"""What was carried in by hand: bytes by their digest, and the names of the catalogue that they stand for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from greenfield.artifacts.catalogue import Entry
from greenfield.artifacts.digests import sha256_of
from greenfield.artifacts.place import carried
from greenfield.errors import ArtifactError

NAMES = "names.json"


def add(entry: Entry, name: str, file: Path, sha256: str) -> Path:
    """Carry a file in under a name of the catalogue; it goes before every other source from now on.

    Args:
        entry: the catalogue entry that has the file or image.
        name: one of its file names; or the full name of one of its images, and ``file`` is an OCI archive of it.
        file: where it lies now; it is copied.
        sha256: what its digest must be, from whoever published it; empty takes the file as it is.

    Raises:
        ArtifactError: the entry has no such file or image, or the digest is another one.
    """
    known = [*entry.files, *(image.name for image in entry.images)]
    if name not in known:
        raise ArtifactError(f"{entry.name} has no file {name!r}; it has: {', '.join(known) or 'none'}")
    found = sha256_of(file)
    if sha256 and found != sha256.lower():
        raise ArtifactError(
            f"{file} has SHA-256 {found}, you said {sha256.lower()}", fix="get the file again from its publisher"
        )
    place = _keep(file, found)
    names = {**_names(), entry.key(name): found}
    (carried() / NAMES).write_text(json.dumps(names, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return place


def add_bytes(file: Path, sha256: str) -> Path:
    """Carry in whatever the lock names by this digest, e.g. a package that upstream no longer has.

    Raises:
        ArtifactError: the file has another digest.
    """
    found = sha256_of(file)
    if found != sha256:
        raise ArtifactError(f"{file} has SHA-256 {found}, the lock says {sha256}")
    return _keep(file, found)


def named(name: str) -> str:
    """Digest of what was carried in under a key of its catalogue entry; empty when nothing was."""
    return _names().get(name, "")


def _keep(file: Path, sha256: str) -> Path:
    place = carried() / sha256
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_suffix(".new")
    shutil.copyfile(file, fresh)
    fresh.chmod(0o644)
    fresh.replace(place)
    return place


def _names() -> dict[str, str]:
    try:
        found = json.loads((carried() / NAMES).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {str(name): str(digest) for name, digest in found.items()}

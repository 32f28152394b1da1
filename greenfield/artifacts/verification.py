"""Whether the mirror holds exactly what the lock names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from greenfield.artifacts import registry_layout
from greenfield.artifacts.digests import DigestCache
from greenfield.artifacts.lock import Lock
from greenfield.artifacts.place import state_dir
from greenfield.errors import ArtifactError

SHOWN = 5


def contents(lock: Lock) -> Iterator[tuple[str, str]]:
    """``(path relative to the served folder, SHA-256)`` of every package, file and image."""
    for package in lock.packages.values():
        yield package.file, package.sha256
    for file in lock.files:
        yield file.file, file.sha256
    yield from registry_layout.contents(lock)


def verify_mirror(lock: Lock, folder: Path) -> None:
    """Refuse a mirror that is not what the lock says: bytes of packages, files and images, and the
    repository's signed index.

    Fast when nothing changed since the last time: digests are remembered by size, times and inode.

    Raises:
        ArtifactError: a file is missing or has another digest; names the first few.
    """
    from greenfield.artifacts.repository import index_problem

    digests = DigestCache(state_dir(lock.site) / "digests.json")
    wrong: list[str] = []
    for relative, expected in contents(lock):
        try:
            found = digests.digest(folder / relative)
        except (FileNotFoundError, NotADirectoryError):
            wrong.append(f"{_what(lock, relative)}{folder / relative} is missing")
            continue
        if found != expected:
            wrong.append(f"{_what(lock, relative)}{folder / relative} has SHA-256 {found}, the lock says {expected}")
    index = index_problem(lock, folder, digests)
    if index:
        wrong.append(index)
    digests.save()
    if wrong:
        more = f"\n  and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ArtifactError(
            f"the mirror of site {lock.site} is not what its lock names; no host was touched:\n  "
            + "\n  ".join(wrong[:SHOWN])
            + more,
            fix="greenfield mirror sync SPEC replaces what is wrong; find out first who changed it",
        )


def _what(lock: Lock, relative: str) -> str:
    """Blobs say nothing by their path: the image that they belong to."""
    image = registry_layout.owner(lock, relative)
    return f"image {image}: " if image else ""

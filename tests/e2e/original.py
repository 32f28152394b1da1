"""The spec of a seat as its hosts were delivered from it, kept beside the one that events change."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from example import PARTS

LOCK = "mirror.lock.json"


class Original:
    """A copy of the files of a spec that events change: its documents, its table of hosts, the lock of its mirror."""

    def __init__(self, spec: Path, copy: Path) -> None:
        self.spec, self.copy = spec, copy

    def adopt(self) -> None:
        """Take the spec as it is now for the original."""
        fresh = self.copy.with_name(f"{self.copy.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for file in _files(self.spec):
            shutil.copy2(file, fresh)
        shutil.rmtree(self.copy, ignore_errors=True)
        fresh.rename(self.copy)

    def restore(self) -> set[str]:
        """Make the spec as it was; returns the names of the files that were not."""
        changed = set()
        for file in _files(self.copy):
            place = self.spec / file.name
            if not place.exists() or place.read_bytes() != file.read_bytes():
                place.write_bytes(file.read_bytes())
                changed.add(file.name)
        return changed

    def digest(self) -> str:
        """Of the spec as it is now."""
        seen = hashlib.sha256()
        for file in _files(self.spec):
            seen.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        return seen.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob(PARTS))
    yield from folder.glob(LOCK)

"""What was written to a disk of a lab host."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

BLOCK = 4096


def written(image: Path) -> str:
    """Digest of what a sparse file holds beside zeros, with its places: its content, without reading its holes.

    Where holes begin and end is not part of it, for that changes as the kernel writes back, or reads ahead.
    """
    seen = hashlib.sha256()
    with image.open("rb", buffering=0) as file:
        place, size = 0, os.fstat(file.fileno()).st_size
        while place < size:
            try:
                begin = os.lseek(file.fileno(), place, os.SEEK_DATA) // BLOCK * BLOCK
            except OSError:  # Nothing but a hole is left (lseek(2), ENXIO).
                break
            place = os.lseek(file.fileno(), max(begin, place), os.SEEK_HOLE)
            for at in range(begin, place, BLOCK):
                block = os.pread(file.fileno(), BLOCK, at)
                if block.strip(b"\0"):
                    seen.update(at.to_bytes(8, "big") + block)
    return seen.hexdigest()

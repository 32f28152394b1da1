"""What was written to a disk of a lab host."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def written(image: Path) -> str:
    """Digest of all that was ever written to a sparse file, with its places; one more byte changes it, be it zero."""
    seen = hashlib.sha256()
    with image.open("rb", buffering=0) as file:
        place, size = 0, os.fstat(file.fileno()).st_size
        while place < size:
            try:
                begin = os.lseek(file.fileno(), place, os.SEEK_DATA)
            except OSError:  # Nothing but a hole is left (lseek(2), ENXIO).
                break
            place = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            seen.update(f"{begin} {place} ".encode())
            os.lseek(file.fileno(), begin, os.SEEK_SET)
            left = place - begin
            while left and (block := file.read(min(left, 1 << 20))):
                seen.update(block)
                left -= len(block)
    return seen.hexdigest()

"""SHA-256 of files, remembered by what stat says of them, so that a warm check reads no bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path

SETTLED_NS = 50_000_000
"""A file whose inode changed less than this ago could change again within one tick of its timestamp: not remembered."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class DigestCache:
    """Digests keyed by size, mtime, ctime and inode.

    ctime is in the key because nobody can set it back: a changed byte with a restored mtime is still read again.
    """

    def __init__(self, store: Path) -> None:
        """``store`` is the JSON file that keeps the digests between runs; a damaged one is forgotten."""
        self.store = store
        self.changed = False
        self.entries: dict[str, tuple[str, str]] = {}
        with contextlib.suppress(FileNotFoundError, ValueError, TypeError, AttributeError):
            found = json.loads(store.read_text(encoding="utf-8"))
            self.entries = {path: (str(key), str(digest)) for path, (key, digest) in found.items()}

    def digest(self, path: Path) -> str:
        """SHA-256 of a file, from memory when stat says it is the same.

        Raises:
            FileNotFoundError: there is no such file.
        """
        key = _key(path.stat())
        remembered = self.entries.get(str(path))
        if remembered and remembered[0] == key:
            return remembered[1]
        digest = sha256_of(path)
        after = path.stat()
        if _key(after) == key and time.time_ns() - after.st_ctime_ns > SETTLED_NS:
            self.entries[str(path)] = (key, digest)
            self.changed = True
        return digest

    def save(self) -> None:
        """Keep what was learned; does nothing when nothing was."""
        if not self.changed:
            return
        self.store.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.store.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps(self.entries), encoding="utf-8")
        fresh.replace(self.store)
        self.changed = False


def _key(seen: os.stat_result) -> str:
    return f"{seen.st_size}:{seen.st_mtime_ns}:{seen.st_ctime_ns}:{seen.st_ino}"

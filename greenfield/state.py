"""The user's own state on the workstation: where it lies, and locks in it that die with their holder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO


class HeldError(Exception):
    """Another process holds a lock; ``holder`` is how it named itself."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


def folder() -> Path:
    """``greenfield`` below XDG_STATE_HOME, by default ``~/.local/state``. It may not be there yet."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "greenfield"


def lock(name: str, holder: str) -> TextIO:
    """Take a lock; it is held until the file is closed or the process ends, however it ends.

    Args:
        name: of the lock's file below the state's folder.
        holder: how we name ourselves to those who come in vain.

    Raises:
        HeldError: another process holds it.
        OSError: the folder can't be written to.
    """
    path = folder() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        other = file.read().strip() or "one that gave no name"
        file.close()
        raise HeldError(other) from None
    file.truncate(0)
    file.write(f"{holder}\n")
    file.flush()
    return file

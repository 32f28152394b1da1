"""One command at a time may change a lab."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from greenfield.errors import LabError
from greenfield.lab.names import Names

_held: list[int] = []


def held() -> int:
    """Descriptor of the lock this process holds. A child that inherits it keeps the lock until it closes it.

    Raises:
        LabError: none is held; only a command that holds its lab's lock may start something.
    """
    if not _held:
        raise LabError("a lab is changed without its lock")
    return _held[-1]


def inherited() -> tuple[int, ...]:
    """The lock for programs that must end before another command may go on; empty when none is held."""
    return tuple(_held)


@contextmanager
def locked(names: Names, *, deadline_seconds: float = 120.0) -> Iterator[None]:
    """Hold the lab's lock; the kernel gives it back when the holder dies, however it dies.

    Raises:
        LabError: another process still holds it at the deadline; named by pid.
    """
    path = names.state.with_name(f"{names.site}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + deadline_seconds
    while True:
        with path.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.seek(0)
                if time.monotonic() > deadline:
                    holder = file.read().strip()
                    raise LabError(
                        f"lab {names.site} is being changed by process {holder}, for {deadline_seconds:g} s",
                        fix="wait for it, or end it; its work is mended by `greenfield lab up`",
                    ) from error
                time.sleep(0.2)
                continue
            # The one before may have removed the file after it was opened here.
            if not path.exists() or os.fstat(file.fileno()).st_ino != path.stat().st_ino:
                continue
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            _held.append(file.fileno())
            try:
                yield
            finally:
                _held.remove(file.fileno())
                if not names.state.exists():
                    path.unlink(missing_ok=True)
            return

"""One command at a time may change a lab."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from greenfield.errors import LabError
from greenfield.lab.names import Names


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
            try:
                yield
            finally:
                if not names.state.exists():
                    path.unlink(missing_ok=True)
            return

"""One acceptance at a time: two drills on one engine could take its quorum."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from greenfield.errors import VerifyError


def state_folder() -> Path:
    """Where locks lie, outside of the spec, which may be read-only."""
    home = os.environ.get("XDG_STATE_HOME", "")
    return (Path(home) if home else Path.home() / ".local" / "state") / "greenfield"


def hold(site: str, cluster: str) -> TextIO:
    """Take the lock of a cluster; it is held until the file is closed or the process ends.

    Raises:
        VerifyError: another run on this machine holds it.
    """
    path = state_folder() / f"acceptance-{site}-{cluster}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise VerifyError(f"{path}: {error.strerror}", fix="make the folder writable, or set XDG_STATE_HOME") from error
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.seek(0)
        holder = stream.read().strip() or "unknown"
        stream.close()
        raise VerifyError(
            f"another acceptance of {cluster} on {site} is running (process {holder})",
            fix="wait for it; drills of two runs together could take an engine's quorum",
        ) from None
    stream.truncate(0)
    stream.write(str(os.getpid()))
    stream.flush()
    return stream

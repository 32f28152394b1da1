"""One acceptance at a time: two drills on one engine could take its quorum."""

from __future__ import annotations

import os
from typing import TextIO

from greenfield import state
from greenfield.errors import VerifyError


def hold(site: str, cluster: str) -> TextIO:
    """Take the lock of a cluster; it is held until the file is closed or the process ends.

    Raises:
        VerifyError: another run on this machine holds it.
    """
    try:
        return state.lock(f"acceptance-{site}-{cluster}", f"process {os.getpid()}")
    except state.HeldError as error:
        raise VerifyError(
            f"another acceptance of {cluster} on {site} is running ({error.holder})",
            fix="wait for it; drills of two runs together could take an engine's quorum",
        ) from None
    except OSError as error:
        fix = "make the folder writable, or set XDG_STATE_HOME"
        raise VerifyError(f"{state.folder()}: {error.strerror}", fix=fix) from error

"""What tests on lab hosts share: running a command over SSH, and waiting with a deadline."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from patience import patience

Ssh = Callable[..., subprocess.CompletedProcess[str]]
"""Runs a command on a host: ``ssh(host, command)``."""


def eventually(claim: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether a claim comes true in time."""
    deadline = time.monotonic() + patience(seconds)
    while not (held := claim()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return held

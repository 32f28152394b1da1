"""Deadlines in this machine's own seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

SLOWNESS = "GREENFIELD_SLOWNESS"
"""How many times slower than the machine of the figures this one was measured to be, as its runner found."""


def patience(seconds: float) -> float:
    """How long to wait here for what takes at most so many seconds elsewhere; never less.

    It is for deadlines alone. What users are promised is the same on every machine.
    """
    return seconds * max(1.0, float(os.environ.get(SLOWNESS) or 1))


def wait_until(holds: Callable[[], bool], seconds: float, pause_seconds: float = 1.0) -> float:
    """Wait until something holds, with patience; returns how many seconds that took."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() < began + patience(seconds), f"not within {patience(seconds):g} s"
        time.sleep(pause_seconds)
    return time.monotonic() - began

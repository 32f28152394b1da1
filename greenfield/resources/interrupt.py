"""Ends a program quietly when Pulumi interrupts it.

When a resource fails, the engine interrupts the program that still waits for it. Python's answer is a stack trace of
the event loop, printed under the one error that matters.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

REPORTED = 32
"""Exit code by which a program tells the Python language host that its error was already reported."""


def end_quietly() -> None:
    """Install the handler, in the main thread of a program; elsewhere there is nothing to install."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(REPORTED)

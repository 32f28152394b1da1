"""Ends a run of Ansible before its time, and everything that the run started.

ansible-runner kills ansible-playbook outright, which leaves its workers, each in a session of its own, at work.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

GRACE_SECONDS = 3.0
"""ansible-playbook ends its workers and then itself at once; Pulumi gives its plugins 5 s in all."""


class Ending:
    """What ansible-runner polls: asks the run to end once that is wished for, and allows it to be killed only later.

    Attributes:
        wished: whether the run was asked to end.
    """

    def __init__(self, folder: Path, wish: Callable[[], bool]) -> None:
        self.wished = False
        self._folder, self._wish = folder, wish
        self._deadline = 0.0

    def __call__(self) -> bool:
        """Whether the time to kill the run has come."""
        if self.wished:
            return time.monotonic() > self._deadline
        if self._wish():
            self.wished, self._deadline = True, time.monotonic() + GRACE_SECONDS
            for process in _within(self._folder):
                if _parent(process) == os.getpid():
                    _send(process, signal.SIGTERM)
        return False

    def sweep(self) -> None:
        """Kill what a run that was asked to end has left."""
        for process in _within(self._folder) if self.wished else ():
            _send(process, signal.SIGKILL)


def _within(folder: Path) -> list[int]:
    """Processes that work in the run's private folder: nothing but what the run started does."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if place.readlink().is_relative_to(folder):
                found.append(int(place.parent.name))
    return found


def _parent(process: int) -> int:
    with contextlib.suppress(OSError):
        # The name of a program, in parentheses, may hold spaces.
        return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return 0


def _send(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)

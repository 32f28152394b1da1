"""A program that does the command line's work in its place: the terminal and every signal are its own.

``subprocess.run`` would kill it a quarter of a second after Ctrl-C, in the middle of what it has to put in order.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

STANDARD_STREAMS = (0, 1, 2)


def run(command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> int:
    """Run a program until it ends by itself; returns its exit code, or minus the number of the signal that killed it.

    On a terminal the program stands in the foreground with us, so the terminal's Ctrl-C, a second one too, reaches it
    without our help, and we wait for it. Without a terminal it has a process group of its own, so that a signal to our
    process or to our group reaches it once, from us: a second one is an order to end at once. What our caller had us
    ignore (``nohup``, a background job of a script) stays ignored.
    """
    terminal = any(os.isatty(stream) for stream in STANDARD_STREAMS)
    signals = _Signals(frozenset({signal.SIGTERM} if terminal else {signal.SIGTERM, signal.SIGINT}))
    try:
        process = subprocess.Popen(command, cwd=folder, env=environment, process_group=None if terminal else 0)
        signals.hand_to(process)
        return process.wait()
    finally:
        signals.restore()


class _Signals:
    """Takes the place of this process's own answer to SIGINT and SIGTERM; those that it ignores stay ignored."""

    def __init__(self, handed_on: frozenset[signal.Signals]) -> None:
        self._handed_on = handed_on
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        known = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        self._before = {number: handler for number, handler in known.items() if handler is not signal.SIG_IGN}
        for number in self._before:
            signal.signal(number, self._take)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number not in self._handed_on:
            return
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)

    def hand_to(self, process: subprocess.Popen[bytes]) -> None:
        """Name the program, once it runs; it gets what came before."""
        self._process = process
        for number in self._early:
            process.send_signal(number)

    def restore(self) -> None:
        """Answer signals as before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

"""What needs no lab (lint, unit tests, the wheel, and seats that may), on one core beside the tests on hosts."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from prove import REPO
from prove.session import Outcome, Plan, Session

PLAIN = ("tests/unit", "tests/wheel")
"""Tests that are no events: all of them run each time."""


class Aside:
    """Lint, then sessions, one after the other, in a thread; what they print goes into a file."""

    def __init__(self, sessions: Sequence[Sequence[str]], plan: Plan, output: Path, *, lint: bool) -> None:
        self.output = output
        self.outcomes: dict[str, Outcome] = {}
        self.lint_failed = False
        self.seconds = 0.0
        self._sessions, self._plan, self._lint = sessions, plan, lint
        self._ended = False
        self._error: BaseException | None = None
        self._current: Session | None = None
        self._checking: subprocess.Popen[bytes] | None = None
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(b"")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._run_all()
        except BaseException as error:
            # What did not run must not pass for what was not wanted: whoever joins gets it.
            self._error = error

    def _run_all(self) -> None:
        began = time.monotonic()
        if self._lint and not self._ended:
            with self.output.open("ab") as stream:
                self._checking = subprocess.Popen(
                    [".ci/lint"],
                    cwd=REPO,
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                self.lint_failed = self._checking.wait() != 0
        for modules in self._sessions:
            if self._ended or not modules:
                continue
            self._current = Session(modules, self._plan, self.output)
            if self._ended:
                self._current.interrupt()
            self._current.wait()
            self.outcomes.update(self._current.outcomes())
            self._current.close()
        self.seconds = time.monotonic() - began

    def join(self) -> None:
        """Until all of it has ended.

        Raises:
            OSError: it could not go on, for example where the disk is full.
        """
        while self._thread.is_alive():
            self._thread.join(1)
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Interrupt what runs and begin nothing more."""
        self._ended = True
        if self._checking is not None and self._checking.poll() is None:
            os.killpg(self._checking.pid, signal.SIGTERM)
        if self._current is not None and self._current.running():
            self._current.interrupt()
        self._thread.join()


def plain_modules() -> list[str]:
    """Folders of tests that are no events."""
    return [folder for folder in PLAIN if (REPO / folder).is_dir()]

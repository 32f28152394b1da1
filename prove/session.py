"""One session of pytest: events of a seat, or tests that are no events; what became of each."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prove import REPO
from prove.event import Event
from prove.plugin import PLAN, TOLD

E2E, KEPT = "tests/e2e/", "failed"
"""Seats of end-to-end tests leave their lab only where a test failed; others leave it to the runner."""

GRACE_SECONDS = 180
"""What tests get to take their labs down once they are interrupted."""


@dataclass(slots=True)
class Outcome:
    """What became of one module.

    Attributes:
        passed, failed: names of tests.
        why: the end of what the first failure said.
        left: whether there was no time for it.
        setup_seconds: of the first test, part of ``seconds``.
        figures: what its tests measured.
        tests: seconds of each test: ``wall setup``, ``wall call``, ``wall teardown``, and, where they were metered,
            processor seconds by class (``prove.meter``).
    """

    module: str
    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    why: str = ""
    left: bool = False
    seconds: float = 0.0
    setup_seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    tests: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether it ran, and all of it passed."""
        return bool(self.passed) and not self.failed and not self.left


@dataclass(frozen=True, slots=True)
class Plan:
    """How a session is run.

    Attributes:
        until: no module of these begins if it can't end before this moment (seconds since the epoch).
        expected: seconds that modules take.
        slowness: of this machine, 1 or more; multiplies patience.
        meter: whether processor seconds are metered by class.
        labs: whether those of labs' hosts are counted in.
        keep: leave the lab of a failure as it is.
        stop_first: end at the first failure, so that its lab stays as it was.
    """

    until: Mapping[str, float] = field(default_factory=dict)
    expected: Mapping[str, float] = field(default_factory=dict)
    slowness: float = 1.0
    meter: bool = False
    labs: bool = True
    keep: bool = False
    stop_first: bool = False


class Session:
    """A pytest that runs in a process group of its own."""

    def __init__(self, modules: Sequence[str], plan: Plan, output: Path | None = None) -> None:
        """``output``: a file for what pytest prints; None shows it."""
        self.modules = tuple(modules)
        self.code = 0
        self._interrupted = False
        self._folder = tempfile.TemporaryDirectory(prefix="greenfield-prove-")
        self._told = Path(self._folder.name) / "told"
        asked = Path(self._folder.name) / "plan"
        said = {"until": plan.until, "expected": plan.expected, "slowness": plan.slowness, "meter": plan.meter}
        said["labs"] = plan.labs
        asked.write_text(json.dumps(said))
        self._told.touch()
        environment = {**os.environ, TOLD: str(self._told), PLAN: str(asked)}
        environment["GREENFIELD_SLOWNESS"] = f"{plan.slowness:.2f}"
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(REPO), os.environ.get("PYTHONPATH"))))
        environment.pop("GREENFIELD_KEEP_LAB", None)
        if plan.keep:
            environment["GREENFIELD_KEEP_LAB"] = KEPT if self.modules[0].startswith(E2E) else "1"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "prove.plugin"]
        command += ["-x"] if plan.stop_first else []
        stream = output.open("ab") if output else None
        # In a group of its own: a terminal's Ctrl-C reaches the runner, which hands it on once.
        self._process = subprocess.Popen(
            ["env", "--default-signal=INT,TERM", *command, *self.modules],
            cwd=REPO,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT if stream else None,
            start_new_session=True,
        )
        self._began = time.monotonic()

    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def wait(self, seconds: float | None = None) -> bool:
        """Until it ends; False when it has not within the time."""
        try:
            self.code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def interrupt(self) -> None:
        """Let tests take their labs down; kill what does not end."""
        if self.running():
            self._interrupted = True
            os.killpg(self._process.pid, signal.SIGINT)
            if not self.wait(GRACE_SECONDS):
                os.killpg(self._process.pid, signal.SIGKILL)
                self.wait()

    def lines(self) -> list[dict[str, Any]]:
        """What the plugin has told so far."""
        return [json.loads(line) for line in self._told.read_text().splitlines() if line.endswith("}")]

    def outcomes(self, lines: list[dict[str, Any]] | None = None) -> dict[str, Outcome]:
        """What became of each module so far, or by these lines; one that was never begun is not there."""
        found: dict[str, Outcome] = {}
        ended = False
        for said in self.lines() if lines is None else lines:
            if "ended" in said:
                ended = True
                continue
            module = str(said.get("module") or said.get("left") or said.get("begun"))
            outcome = found.setdefault(module, Outcome(module))
            if "left" in said:
                outcome.left = True
            elif "test" in said:
                _count(outcome, said)
        # A crash, an error of collection, an interrupt: pytest ends in order with 0, or with 1 where something failed.
        whole = ended and (self.code == 0 or (self.code == 1 and any(each.failed for each in found.values())))
        if not self.running() and not whole:
            self._unfinished(found)
        return found

    def _unfinished(self, found: dict[str, Outcome]) -> None:
        """An error of collection or of the session, a crash, an interrupt: what did not end did not pass."""
        current = list(found)[-1:]
        if self._interrupted:
            for module in current:
                del found[module]
            return
        for module in current or self.modules:
            outcome = found.setdefault(module, Outcome(module))
            outcome.failed = outcome.failed or [f"{module} (pytest ended with {self.code})"]

    def close(self) -> None:
        """Remove its files."""
        self._folder.cleanup()


def _count(outcome: Outcome, said: Mapping[str, Any]) -> None:
    test, when = said["test"], said["when"]
    outcome.seconds += said["seconds"]
    if when == "setup" and not outcome.passed and not outcome.failed:
        # Of the first test: there, the seat is set up.
        outcome.setup_seconds += said["seconds"]
    outcome.figures.update(said.get("figures") or {})
    for kind, seconds in {**(said.get("cpu") or {}), f"wall {when}": said["seconds"]}.items():
        each = outcome.tests.setdefault(test, {})
        each[kind] = round(each.get(kind, 0.0) + seconds, 2)
    if said["outcome"] == "failed" and test not in outcome.failed:
        outcome.failed.append(test)
        outcome.why = outcome.why or said.get("why", "")
        if test in outcome.passed:
            outcome.passed.remove(test)
    elif said["outcome"] == "skipped":
        # A check that did not run is not one that passed.
        outcome.failed.append(f"{test} (skipped)")
    elif said["outcome"] == "passed" and when == "call":
        outcome.passed.append(test)


def again(event: Event, test: str = "") -> str:
    """The line that runs an event, or one test of it, on the lab that a failure left."""
    return f"GREENFIELD_KEEP_LAB=1 .venv/bin/python -m pytest -p no:cacheprovider {shlex.quote(test or event.module)}"

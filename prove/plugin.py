"""pytest's side of the runner: tells what each test did, draws no further event when time is up, shows the way left.

Loaded by ``-p prove.plugin`` where PROVE_TOLD names the file that it writes, a JSON object a line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from prove import REPO
from prove.meter import Meter

E2E = REPO / "tests" / "e2e"

TOLD, PLAN = "PROVE_TOLD", "PROVE_PLAN"
"""Files: what is written, and what is read: modules by name with what they may cost, and until when."""

EVENT_SECONDS = 20 * 60
"""No single event may need more (on a machine of the usual speed)."""

WHY_CHARACTERS = 2000


class Telling:
    """One session of pytest."""

    def __init__(self, told: Path, plan: dict[str, Any]) -> None:
        self._stream = told.open("a")
        self._until: dict[str, float] = plan.get("until", {})
        self._expected: dict[str, float] = plan.get("expected", {})
        self._slowness: float = plan.get("slowness", 1.0)
        self._spent: dict[str, float] = {}
        self._left: set[str] = set()
        self._bad: set[str] = set()
        self._meter = Meter(labs=plan.get("labs", True)) if plan.get("meter") else None

    def tell(self, **said: Any) -> None:
        """A line for the runner."""
        self._stream.write(json.dumps(said, default=str) + "\n")
        self._stream.flush()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Patience is a multiple of the machine's measured speed."""
        for item in items:
            if E2E in item.path.parents:
                continue  # Its conftest.py does the same, and leaves out what a seat's set-up takes.
            limit = item.get_closest_marker("timeout")
            seconds = float(limit.args[0]) if limit and limit.args else float(item.config.getini("timeout") or 0)
            if seconds and self._slowness > 1:
                item.add_marker(pytest.mark.timeout(seconds * self._slowness), append=False)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """True, for pytest: this one was dealt with. So ends what a run has no more time for."""
        module = _module(item)
        if module not in self._spent:
            self._begin(module)
        return True if module in self._left else None

    def _begin(self, module: str) -> None:
        self._spent[module] = 0.0
        expected = self._expected.get(module, 0.0)
        if module in self._until and time.time() + expected > self._until[module]:
            self._left.add(module)
            self.tell(left=module)
        else:
            self.tell(begun=module)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """One line a phase of a test."""
        report: pytest.TestReport = yield
        module = _module(item)
        self._spent[module] = self._spent.get(module, 0.0) + report.duration
        if report.when == "call" and report.passed and self._spent[module] > EVENT_SECONDS * self._slowness:
            report.outcome = "failed"
            report.longrepr = (
                f"{module} has taken {self._spent[module]:.0f} s, and no event may need more than"
                f" {EVENT_SECONDS * self._slowness:.0f} s: split it"
            )
        said: dict[str, Any] = {"module": module, "test": item.nodeid, "when": report.when, "outcome": report.outcome}
        if report.when == "teardown":
            said["figures"] = dict(item.user_properties)
        if report.failed:
            said["why"] = str(report.longrepr)[-WHY_CHARACTERS:]
        self.tell(**said, seconds=round(report.duration, 3), cpu=self._meter.since() if self._meter else {})
        return report

    def pytest_sessionfinish(self) -> None:
        """The file is whole."""
        if self._meter:
            self._meter.stop()
        self.tell(ended=True)
        self._stream.close()


def _module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def pytest_configure(config: pytest.Config) -> None:
    """Only where the runner asks for it."""
    told = os.environ.get(TOLD)
    if told:
        sys.stdout.flush()
        plan = json.loads(Path(os.environ[PLAN]).read_text())
        config.pluginmanager.register(Telling(Path(told), plan), "greenfield-telling")

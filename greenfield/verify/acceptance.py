"""One acceptance run: connections, the check that is running, and the results so far."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

import testinfra.host
from _pytest.outcomes import Failed, Skipped, XFailed

from greenfield.errors import VerifyError
from greenfield.model.standard import Control
from greenfield.verify.availability_records import AvailabilityRecords
from greenfield.verify.backend import FleetBackend, PlainSshBackend
from greenfield.verify.judge import judge, waiver_for
from greenfield.verify.lock import hold
from greenfield.verify.recorder import Recorder
from greenfield.verify.results import CheckResult, Outcome, RunResult, WaiverNote
from greenfield.verify.selection import Selection, hosts_of, targets
from greenfield.verify.session import Fleet
from greenfield.verify.subject import Subject

BACKENDS: dict[str, type[FleetBackend] | type[PlainSshBackend]] = {"greenfield": FleetBackend, "ssh": PlainSshBackend}


class Acceptance:
    """State of a run; pytest drives it through the plugin, one check after another.

    Attributes:
        progress_fd: where a JSON line per finished check goes, or ``None``.
        secrets: what the caller handed over, never part of evidence.
    """

    def __init__(self, subject: Subject, only: Iterable[str], backend: str) -> None:
        self.subject = subject
        self.selection = Selection(only, subject.standard, subject.plan)
        self.backend = backend
        self.recorder = Recorder()
        self.secrets: Mapping[str, Any] = {}
        self.progress_fd: int | None = None
        self._started = datetime.now(UTC)
        self._clock = time.monotonic()
        self._fleet: Fleet | None = None
        self._hosts: dict[str, testinfra.host.Host] = {}
        self._expected: list[tuple[Control, str]] = self._demanded()
        self._results: dict[tuple[str, str], CheckResult] = {}
        self._scout = ""
        self._lock: TextIO | None = None
        self._running: tuple[Control, str] | None = None
        self._looked_ahead = False
        self._records = AvailabilityRecords(subject.site.name, subject.cluster.name)
        self._records.read_all()  # one that can't be read stops the run before it disturbs anything

    def use_secrets(self, secrets: Mapping[str, Any]) -> None:
        """Make secrets known to checks and keep them out of evidence."""
        self.secrets = secrets
        self.recorder.keep_secret(_leaves(secrets))

    def targets(self, control_id: str, kind: str) -> tuple[str, ...]:
        """Hosts or engines that a test runs on; none when the standard doesn't name its control."""
        control = self.subject.standard.controls.get(control_id)
        return targets(self.subject.plan, control, kind) if control else ()

    def expect(self, checks: Iterable[tuple[Control, str]]) -> None:
        """Hold the run to checks that have been collected, beside those that the standard demands."""
        known = {(control.id, target) for control, target in self._expected}
        self._expected += [(c, t) for c, t in checks if (c.id, t) not in known]

    def hold(self) -> None:
        """Be the only run that may disturb the cluster, until ``close``.

        Raises:
            VerifyError: another one is.
        """
        self._lock = hold(self.subject.site.name, self.subject.cluster.name)

    def scout(self) -> str:
        """The first host that answers: its read-only checks go first and show the way to the others."""
        if self.backend == "greenfield" and not self._scout:
            fleet = self.fleet
            self._scout = next((name for name in fleet.sessions if fleet.sessions[name].answers()), "")
        return self._scout

    @property
    def fleet(self) -> Fleet:
        """Connections to all hosts, opened in parallel on first use."""
        if self._fleet is None:
            subject = self.subject
            if self.backend == "greenfield":
                self._fleet = Fleet.connect(subject.addresses, subject.site.access)
            else:
                self._fleet = Fleet.unconnected(subject.addresses, subject.site.access)
        return self._fleet

    def host(self, name: str) -> testinfra.host.Host:
        """A host of the cluster, as testinfra knows hosts.

        Raises:
            VerifyError: it is none of the cluster's.
        """
        if name not in self.subject.plan.hosts:
            raise VerifyError(f"{name} is no host of cluster {self.subject.cluster.name}")
        if name not in self._hosts:
            backend = BACKENDS[self.backend](name, self.fleet, self.recorder)
            self._hosts[name] = testinfra.host.Host(backend)
            backend.set_host(self._hosts[name])
        return self._hosts[name]

    def ask_ahead(self, commands: Iterable[tuple[str, str]]) -> None:
        """Have hosts run read-only commands now; only the first host's check of a control does it, for all."""
        if self.fleet.scouting:
            for name, command in commands:
                self.fleet.sessions[name].ask_ahead(command)

    def begin(self, control: Control, target: str, *, reads_only: bool) -> None:
        """A check starts."""
        self._running = (control, target)
        self._found: Outcome = "passed"
        self._message = ""
        self._seconds = 0.0
        self.recorder.start()
        scouts = reads_only and bool(self._scout) and target == self._scout
        if self._fleet is not None:
            self._fleet.scouting = target if scouts else ""
        if not reads_only and self._looked_ahead:
            # From here on checks change hosts: nothing that was asked before may be used after.
            self.fleet.forget_ahead()
        self._looked_ahead = self._looked_ahead or reads_only

    def saw(self, when: str, raised: BaseException | None, seconds: float) -> None:
        """A phase of the check (setup, call, teardown) ended. The worst phase counts."""
        self._seconds += seconds
        if raised is None:
            return
        outcome: Outcome = "error"
        if isinstance(raised, Skipped | XFailed):
            words = f"skipped without being judged: {raised}"
        elif isinstance(raised, AssertionError | Failed) and when == "call":
            outcome, words = "failed", str(raised)
        elif isinstance(raised, VerifyError):
            words = raised.message
        else:
            words = f"{type(raised).__name__}: {raised}"
        if self._found == "passed" or (self._found == "failed" and when == "teardown"):
            self._found = outcome if self._found == "passed" else self._found
            text = self.recorder.clean(words).strip()
            self._message = f"{self._message}\nafter the check: {text}" if self._message else text

    def set_aside(self, control: Control, target: str, why: str) -> None:
        """Put on record that a control does not apply to a target, without running a check."""
        result = judge(control, target, "inapplicable", None, message=why)
        self._results.setdefault((control.id, target), result)
        self._tell(result)

    def waiver(self) -> WaiverNote | None:
        """The waiver of the running check, expired or not."""
        assert self._running is not None
        control, target = self._running
        return self._waiver(control, target)

    def finish(self) -> None:
        """The check is over: judge it, keep it, tell who watches."""
        assert self._running is not None
        control, target = self._running
        if self._fleet is not None:
            self._fleet.scouting = ""
        result = judge(
            control,
            target,
            self._found,
            self._waiver(control, target),
            message=_claim(self._message),
            note="; ".join(self.recorder.notes),
            seconds=self._seconds,
            figures=self.recorder.figures,
            evidence=tuple(self.recorder.evidence),
        )
        # Two tests may prove one control on one target: the worse outcome stands.
        known = self._results.get((control.id, target))
        if known is None or known.found in ("passed", "inapplicable"):
            self._results[control.id, target] = result
        self._tell(result)

    @property
    def has_begun(self) -> bool:
        """Whether any check has been judged."""
        return bool(self._results)

    def close(self) -> None:
        """End the connections."""
        if self._fleet is not None:
            self._fleet.close()
        if self._lock is not None:
            self._lock.close()

    def result(self) -> RunResult:
        """Everything found; what the standard demands and no test judged is an error."""
        for control, target in self._expected:
            if (control.id, target) not in self._results:
                self._results[control.id, target] = judge(
                    control, target, "error", self._waiver(control, target), message="no test judged this control"
                )
        order = {(control.id, target): place for place, (control, target) in enumerate(self._expected)}
        checks = sorted(self._results.values(), key=lambda check: order.get((check.control, check.target), len(order)))
        seen = {check.target for check in checks}
        return RunResult(
            identity=self.subject.identity(self._started, self.backend, self.selection.words),
            checks=tuple(checks),
            hosts=tuple(name for name in self.subject.plan.hosts if name in seen or not self.selection.words),
            engines={
                name: engine.kind
                for name, engine in self.subject.cluster.engines.items()
                if name in seen or not self.selection.words
            },
            seconds=round(time.monotonic() - self._clock, 3),
            probes=self._records.read_all(),
        )

    def _demanded(self) -> list[tuple[Control, str]]:
        """What the standard demands of this plan. A control whose engine kind the test knows comes with collection."""
        return [
            (control, target)
            for control in self.subject.standard.controls.values()
            for target in targets(self.subject.plan, control)
            if (control, target) in self.selection
        ]

    def _waiver(self, control: Control, target: str) -> WaiverNote | None:
        hosts: Sequence[str] = hosts_of(self.subject.plan, control, target)
        return waiver_for(self.subject.cluster.waivers, control.id, hosts, datetime.now(UTC).date())

    def _tell(self, result: CheckResult) -> None:
        if self.progress_fd is not None:
            line = {
                "control": result.control,
                "group": result.group,
                "target": result.target,
                "outcome": result.outcome,
                "message": result.message,
                "done": len(self._results),
                "of": len(self._expected),
            }
            os.write(self.progress_fd, json.dumps(line).encode() + b"\n")


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value


def _claim(text: str, limit: int = 1500) -> str:
    """What a test said was wrong, without pytest's retelling of the assertion behind it."""
    lines = text.splitlines()
    told = next((place for place, line in enumerate(lines) if line.startswith("assert ") and place), len(lines))
    text = "\n".join(lines[:told]).strip()
    return text if len(text) <= limit else f"{text[:limit]} …"

"""What an acceptance run found: checks with their evidence, and the verdict over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

from greenfield.verify import availability
from greenfield.verify.availability import Availability

Outcome = Literal["passed", "failed", "error", "waived", "inapplicable"]
"""``inapplicable``: the plan has nothing that the control could hold of. It counts neither for nor against."""
Verdict = Literal["accepted", "not accepted", "not judged"]

WORST_FIRST: tuple[Outcome, ...] = ("failed", "error", "waived", "passed", "inapplicable")

EXIT_CODES: Mapping[Verdict, int] = {"accepted": 0, "not accepted": 1, "not judged": 2}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One command that a check ran, and what it printed (an excerpt, secrets taken out).

    ``started`` is UTC, ISO 8601, by the host's own clock; ``ahead`` says that it ran before the check's turn.
    """

    host: str
    command: str
    rc: int
    stdout: str
    stderr: str
    started: str
    seconds: float
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class WaiverNote:
    """A waiver as it applied on the day of the run."""

    owner: str
    reason: str
    until: date
    expired: bool


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One control judged on one target.

    Attributes:
        target: a host's name, or an engine's name.
        message: why it did not pass, or does not apply; empty when it passed.
        note: what a reader should know of the evidence (``recorded, shared kernel``).
        figures: what was measured, in base units, e.g. ``{"recovery_seconds": 0.9}``.
        found: the outcome before waivers.
    """

    control: str
    title: str
    group: str
    source: str
    scope: str
    target: str
    outcome: Outcome
    found: Outcome
    seconds: float
    message: str = ""
    note: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    waiver: WaiverNote | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What was judged, by whom, when (UTC, ISO 8601). ``spec_digest`` and ``standard_digest`` are SHA-256 in hex."""

    site: str
    cluster: str
    spec: str
    spec_digest: str
    standard: str
    standard_digest: str
    versions: Mapping[str, str]
    started: str
    finished: str
    by: str
    backend: str
    selection: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunResult:
    """A whole run. ``hosts`` are the names judged, ``engines`` engine name to kind.

    ``probes`` are the records of the cluster's probes as they were at the end; they don't bear on the verdict.
    """

    identity: Identity
    checks: tuple[CheckResult, ...]
    hosts: tuple[str, ...]
    engines: Mapping[str, str]
    seconds: float
    probes: tuple[Availability, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """How many checks ended so."""
        return sum(check.outcome == outcome for check in self.checks)

    @property
    def verdict(self) -> Verdict:
        """A failed control is a certain no; without one, a check that could not be judged leaves the run open."""
        if self.count("failed"):
            return "not accepted"
        if self.count("error") or self.count("inapplicable") == len(self.checks):
            return "not judged"
        return "accepted"

    @property
    def exit_code(self) -> int:
        """0 accepted, 1 not accepted, 2 could not be judged."""
        return EXIT_CODES[self.verdict]

    @property
    def waived(self) -> tuple[CheckResult, ...]:
        """Checks that count as met because somebody answers for them."""
        return tuple(check for check in self.checks if check.outcome == "waived")

    @property
    def inapplicable(self) -> tuple[CheckResult, ...]:
        """Checks that had nothing to judge; the message says why."""
        return tuple(check for check in self.checks if check.outcome == "inapplicable")

    def host_status(self) -> dict[str, str]:
        """Each host's worst outcome on its own controls: ``failed``, ``error``, ``waived`` or ``passed``."""
        return {host: self._worst([c for c in self.checks if c.target == host]) for host in self.hosts}

    def engine_status(self) -> dict[str, str]:
        """Each engine's worst outcome on its controls."""
        return {engine: self._worst([c for c in self.checks if c.target == engine]) for engine in self.engines}

    @staticmethod
    def _worst(checks: list[CheckResult]) -> str:
        found = {check.outcome for check in checks}
        return next((word for word in WORST_FIRST if word in found), "error")

    def to_json(self) -> dict[str, Any]:
        """JSON values; ``from_json`` reads them back."""
        document = asdict(self)
        for check in document["checks"]:
            if check["waiver"]:
                check["waiver"]["until"] = check["waiver"]["until"].isoformat()
        document["probes"] = [probe.to_json() for probe in self.probes]
        return {"verdict": self.verdict, "exit_code": self.exit_code, **document}


def from_json(document: Mapping[str, Any]) -> RunResult:
    """Read what ``RunResult.to_json`` wrote."""
    identity = {**document["identity"], "selection": tuple(document["identity"]["selection"])}
    return RunResult(
        identity=Identity(**identity),
        checks=tuple(_check(check) for check in document["checks"]),
        hosts=tuple(document["hosts"]),
        engines=dict(document["engines"]),
        seconds=document["seconds"],
        probes=tuple(availability.from_json(probe) for probe in document["probes"]),
    )


def _check(document: Mapping[str, Any]) -> CheckResult:
    waiver = document["waiver"]
    return CheckResult(
        **{
            **document,
            "evidence": tuple(Evidence(**item) for item in document["evidence"]),
            "waiver": WaiverNote(**{**waiver, "until": date.fromisoformat(waiver["until"])}) if waiver else None,
        }
    )

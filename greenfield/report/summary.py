"""A run in a few lines: one for each group of controls, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from greenfield.report.figures import duration, percent
from greenfield.verify.availability import Availability
from greenfield.verify.results import WORST_FIRST, CheckResult, Outcome, RunResult

VERDICTS = {"accepted": "ACCEPTED", "not accepted": "NOT ACCEPTED", "not judged": "NOT JUDGED"}
PARTIAL = {"accepted": "PASSED IN PART", "not accepted": "FAILED IN PART", "not judged": "NOT JUDGED"}
"""Of a selection: no one has accepted a cluster by looking at some of it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Checks that belong together: the hosts', one engine's, or the restore drills."""

    key: str
    title: str
    checks: tuple[CheckResult, ...]

    def count(self, outcome: Outcome) -> int:
        """How many checks ended so."""
        return sum(check.outcome == outcome for check in self.checks)

    @property
    def controls(self) -> dict[str, list[CheckResult]]:
        """Checks by control, in the standard's order."""
        found: dict[str, list[CheckResult]] = {}
        for check in self.checks:
            found.setdefault(check.control, []).append(check)
        return found

    @property
    def outcome(self) -> Outcome:
        """The worst outcome."""
        return worst(self.checks)

    @property
    def scale(self) -> str:
        """``27 controls × 9 hosts``."""
        controls, targets = len(self.controls), {check.target for check in self.checks}
        if self.key == "host":
            return f"{controls} controls × {len(targets)} host{'s' if len(targets) != 1 else ''}"
        if self.key == "restore":
            return f"{len(targets)} engine{'s' if len(targets) != 1 else ''}"
        return f"{controls} control{'s' if controls != 1 else ''}"

    @property
    def counts(self) -> str:
        """``12 passed, 1 waived (RED-009 until 2027-01-31: lab shares one kernel)``."""
        words: dict[Outcome, str] = {
            "passed": "passed",
            "failed": "failed",
            "error": "not judged",
            "waived": "waived",
            "inapplicable": "not applicable",
        }
        parts = [f"{self.count(outcome):,} {word}" for outcome, word in words.items() if self.count(outcome)]
        reasons = {
            f"{check.control} until {check.waiver.until}: {check.waiver.reason}"
            for check in self.checks
            if check.outcome == "waived" and check.waiver
        } | {check.message for check in self.checks if check.outcome == "inapplicable"}
        return ", ".join(parts) + (f" ({'; '.join(sorted(reasons))})" if reasons else "")

    @property
    def highlights(self) -> str:
        """What was measured and matters most: failover and restore."""
        if self.key == "restore":
            return ", ".join(
                f"{check.target} {duration(check.figures['restore_seconds'])} "
                f"(RTO {duration(check.figures['rto_seconds'])})"
                for check in self.checks
                if "restore_seconds" in check.figures
            )
        parts = []
        for check in self.checks:
            if "failover_seconds" in check.figures:
                lost, acknowledged = check.figures["lost_writes"], check.figures["acknowledged_writes"]
                parts.append(
                    f"failover {duration(check.figures['failover_seconds'])}, "
                    f"{lost:,.0f} of {acknowledged:,.0f} acknowledged writes lost"
                )
        return ", ".join(parts)


def worst(checks: tuple[CheckResult, ...] | list[CheckResult]) -> Outcome:
    """The worst outcome of checks; of none, an error."""
    found = {check.outcome for check in checks}
    return next((outcome for outcome in WORST_FIRST if outcome in found), "error")


def groups(run: RunResult) -> list[Group]:
    """Groups of a run: hosts, each engine, restore drills, and whatever else the standard knows."""
    found: dict[str, list[CheckResult]] = {}
    for check in run.checks:
        found.setdefault(_key(check, run.engines), []).append(check)
    order = ["host", *run.engines, "restore"]
    keys = [key for key in order if key in found] + [key for key in found if key not in order]
    return [Group(key, _title(key, run.engines), tuple(found[key])) for key in keys]


def obstacles(run: RunResult) -> dict[tuple[str, Outcome], list[CheckResult]]:
    """What stands in the way, by control and outcome (failed or error), in the standard's order."""
    found: dict[tuple[str, Outcome], list[CheckResult]] = {}
    for check in run.checks:
        if check.outcome in ("failed", "error"):
            found.setdefault((check.control, check.outcome), []).append(check)
    return found


def verdict_word(run: RunResult) -> str:
    """The verdict in capitals; of a selection it never says that the cluster is accepted."""
    return (PARTIAL if run.identity.selection else VERDICTS)[run.verdict]


def tally(run: RunResult) -> str:
    """``298 checks, 1 waiver, 41 s``."""
    parts = [f"{len(run.checks):,} check{'s' if len(run.checks) != 1 else ''}"]
    for outcome, one, many in (("failed", "failed", "failed"), ("error", "not judged", "not judged")):
        count = sum(check.outcome == outcome for check in run.checks)
        if count:
            parts.append(f"{count:,} {one if count == 1 else many}")
    if run.inapplicable:
        parts.append(f"{len(run.inapplicable)} not applicable")
    if run.waived:
        parts.append(f"{len(run.waived)} waiver{'s' if len(run.waived) != 1 else ''}")
    return ", ".join([*parts, duration(run.seconds)])


def asked(probe: Availability) -> str:
    """``asked 3,412 · failed 1 (0.03 %) · longest gap 0.4 s · 11 m 23 s``."""
    parts = [
        f"asked {probe.asked:,}",
        f"failed {probe.failed:,}" + (f" ({percent(probe.failed_ratio)})" if probe.failed else ""),
        f"longest gap {probe.longest_gap_seconds:.1f} s",
        _clock(probe.seconds),
    ]
    if probe.unobserved_seconds:
        parts.append(f"{probe.unobserved_seconds:.1f} s of it unobserved")
    return " · ".join(parts)


def _clock(seconds: float) -> str:
    """``23 s``, ``11 m 23 s``, ``2 h 3 m``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} m"
    return f"{minutes} m {rest} s" if minutes else f"{rest} s"


def _key(check: CheckResult, engines: Mapping[str, str]) -> str:
    return check.target if engines.get(check.target) == check.group else check.group


def _title(key: str, engines: Mapping[str, str]) -> str:
    if key in engines:
        return f"{key} ({engines[key]})"
    return {"host": "host baseline", "restore": "restore drills"}.get(key, key)

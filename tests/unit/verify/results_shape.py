"""Results for tests to judge: a run is made of controls, targets and outcomes."""

from __future__ import annotations

from datetime import date

from greenfield.model.standard import Control
from greenfield.verify.availability import Availability
from greenfield.verify.judge import judge
from greenfield.verify.results import CheckResult, Evidence, Identity, Outcome, RunResult, WaiverNote

IDENTITY = Identity(
    site="lab",
    cluster="orders",
    spec="examples/lab",
    spec_digest="ab" * 32,
    standard="idc-2026",
    standard_digest="cd" * 32,
    versions={"greenfield": "0.1.0", "config-store": "etcd 3.6"},
    started="2026-11-21T10:00:00+00:00",
    finished="2026-11-21T10:00:41+00:00",
    by="ops@workstation",
    backend="greenfield",
)

VALID = WaiverNote("platform", "the lab shares one kernel", date(2027, 1, 31), expired=False)
EXPIRED = WaiverNote("platform", "the lab shares one kernel", date(2026, 1, 31), expired=True)


def control(name: str = "HOST-001", group: str = "host", scope: str = "host") -> Control:
    return Control(name, f"The claim of {name}", group, f"the source of {name}", scope, {})  # type: ignore[arg-type]


def evidence(stdout: str = "fine", command: str = "uname -r", host: str = "r1-h1") -> Evidence:
    return Evidence(host, command, 0, stdout, "", "2026-11-21T10:00:01.000+00:00", 0.004)


def check(
    outcome: Outcome = "passed",
    *,
    of: Control | None = None,
    target: str = "r1-h1",
    waiver: WaiverNote | None = None,
    **more: object,
) -> CheckResult:
    settings = {"message": "" if outcome == "passed" else "it is wrong", "evidence": (evidence(),), **more}
    return judge(of or control(), target, outcome, waiver, **settings)  # type: ignore[arg-type]


PROBE = Availability(
    name="shop",
    target="http://10.112.7.9:8080/health",
    host="r1-h1",
    every_seconds=0.2,
    timeout_seconds=1.0,
    began="2026-11-21T09:00:00.120+00:00",
    last="2026-11-21T09:11:23.320+00:00",
    seconds=683.2,
    asked=3412,
    failed=1,
    longest_gap_seconds=0.4,
    longest_gap_at="2026-11-21T09:04:07.300+00:00",
    unobserved_seconds=2.5,
    reconnects=1,
    errors={"connection refused": 1},
    ended=True,
)


def run(*checks: CheckResult, identity: Identity = IDENTITY, probes: tuple[Availability, ...] = ()) -> RunResult:
    return RunResult(identity, checks, ("r1-h1", "r1-h2"), {"config-store": "etcd"}, 41.2, probes)

"""The delivery report: one HTML file that needs nothing else, for a manager at the top and an engineer further down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from greenfield.plan import Plan
from greenfield.plan.elevation_svg import rack_svgs
from greenfield.report.figures import duration, figure, instant, percent
from greenfield.report.summary import Group, groups, obstacles, tally, verdict_word, worst
from greenfield.verify.results import CheckResult, RunResult

PASSES_SHOWN = 40
"""Passed checks of one control that are shown with their evidence; all are in the JSON. Everything else is shown."""

SLOWEST = 8
MARKS = {"passed": "pass", "failed": "fail", "error": "error", "waived": "waived", "inapplicable": "none"}
WORDS = {
    "passed": "passed",
    "failed": "failed",
    "error": "not judged",
    "waived": "waived",
    "inapplicable": "not applicable",
}
SIGNS = {"passed": "✓", "failed": "✗", "error": "!", "waived": "~", "inapplicable": "–"}
TONES = {"accepted": "passed", "not accepted": "failed", "not judged": "error"}


@dataclass(frozen=True, slots=True)
class ControlView:
    """One control of a group, as a page shows it. ``hidden`` passes are only counted."""

    id: str
    title: str
    source: str
    outcome: str
    passed: int
    checks: tuple[CheckResult, ...]
    total: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Highlight:
    """A figure for the top of the page."""

    label: str
    value: str
    detail: str


def html(run: RunResult, plan: Plan) -> str:
    """Render a run. ``plan`` gives the drawing of the racks."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(duration=duration, instant=instant, percent=percent, count=lambda n: f"{n:,}")
    environment.globals.update(figure=figure, words=WORDS, signs=SIGNS)
    found = groups(run)
    return environment.get_template(
        "report.html.j2"
    ).render(
        run=run,
        identity=run.identity,
        verdict=verdict_word(run),
        tone=TONES[run.verdict],
        sentence=_sentence(run),
        tally=tally(run),
        groups=[(group, _controls(group)) for group in found],
        highlights=_highlights(run, found),
        attention=list(obstacles(run).values()),
        waived=run.waived,
        expired=[check for check in run.checks if check.waiver and check.waiver.expired and check.outcome != "passed"],
        racks={name: Markup(svg) for name, svg in rack_svgs(plan, _host_marks(run, plan)).items()},  # noqa: S704
        slowest=sorted(run.checks, key=lambda check: check.seconds, reverse=True)[:SLOWEST],
        measured=[check for check in run.checks if check.figures and check.scope == "engine"],
    )


def _sentence(run: RunResult) -> str:
    """The verdict in a sentence, for who reads no further."""
    name = f"Cluster {run.identity.cluster} on site {run.identity.site}"
    chosen = f" Only a selection was judged: {', '.join(run.identity.selection)}." if run.identity.selection else ""
    if run.verdict == "accepted":
        kept = " apart from what is waived" if run.waived else ""
        what = "meets what was judged" if chosen else f"meets every control of {run.identity.standard}"
        return f"{name} {what}{kept}.{chosen}"
    failed = {check.control for check in run.checks if check.outcome == "failed"}
    if failed:
        return f"{name} does not meet {len(failed)} control{'s' if len(failed) != 1 else ''}.{chosen}"
    count = run.count("error")
    why = f"{count:,} check{'s' if count != 1 else ''} gave no result" if run.checks else "no check was run"
    return f"{name} could not be judged: {why}.{chosen}"


def _controls(group: Group) -> list[ControlView]:
    views = []
    for control, checks in group.controls.items():
        notable = [check for check in checks if check.outcome != "passed"]
        passed = [check for check in checks if check.outcome == "passed"]
        shown = (*notable, *passed[:PASSES_SHOWN])
        views.append(
            ControlView(
                control,
                checks[0].title,
                checks[0].source,
                worst(checks),
                len(passed),
                shown,
                len(checks),
                len(checks) - len(shown),
            )
        )
    return views


def _highlights(run: RunResult, found: list[Group]) -> list[Highlight]:
    lines = [Highlight("checks passed", f"{run.count('passed'):,}", f"of {len(run.checks):,}")]
    for check in run.checks:
        numbers = check.figures
        if "failover_seconds" in numbers:
            detail = f"{numbers['lost_writes']:,.0f} of {numbers['acknowledged_writes']:,.0f} acknowledged writes lost"
            lines.append(Highlight(f"{check.target} failover", duration(numbers["failover_seconds"]), detail))
        if "restore_seconds" in numbers:
            detail = f"recovery time allowed: {duration(numbers['rto_seconds'])}"
            lines.append(Highlight(f"{check.target} restore", duration(numbers["restore_seconds"]), detail))
    controls = sum(len(group.controls) for group in found)
    lines.append(Highlight("controls", f"{controls:,}", f"on {len(run.hosts):,} hosts, {len(run.engines)} engines"))
    return lines


def _host_marks(run: RunResult, plan: Plan) -> Mapping[str, str]:
    """A host is coloured by the worst of its own controls and of the engines that stand on it."""
    own, engines = run.host_status(), run.engine_status()
    marks = {}
    for name, host in plan.hosts.items():
        # What belongs to another engine is judged with it.
        heads = [plan.head_of(member.engine) for member in host.members]
        states = [own.get(name, ""), *(engines.get(head, "") for head in heads)]
        found = next((state for state in ("failed", "error", "waived", "passed") if state in states), "")
        marks[name] = MARKS.get(found, "none")
    return marks

"""Where the time of tests went: wall seconds by phase, processor seconds by class, as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prove.session import Outcome

FIRST = ("wall setup", "wall call", "wall teardown", "cpu")
LAST = ("other", "waiting")


def table(outcomes: Iterable[Outcome]) -> str:
    """A row a test, and one in bold for each event; ``waiting`` is what the cores did not give it meanwhile."""
    outcomes = list(outcomes)
    seen = {kind for outcome in outcomes for spent in outcome.tests.values() for kind in spent} - {*FIRST, *LAST}
    columns = (*FIRST, *sorted(seen), *LAST)
    lines = [f"| test | {' | '.join(columns)} |", f"| --- |{' --- |' * len(columns)}"]
    for outcome in outcomes:
        lines.append(_row(f"**{outcome.module.removeprefix('tests/')}**", _sum(outcome.tests.values()), columns))
        lines += [_row(test.rpartition("::")[2], spent, columns) for test, spent in outcome.tests.items()]
    return "\n".join(lines)


def _sum(spents: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for spent in spents:
        for kind, seconds in spent.items():
            total[kind] = total.get(kind, 0.0) + seconds
    return total


def _row(name: str, spent: Mapping[str, float], columns: Iterable[str]) -> str:
    cells = (f"{spent.get(column, 0.0):.0f}" for column in columns)
    return f"| {name} | {' | '.join(cells)} |"

"""What a benchmark found, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of several runs of the same thing."""

    seconds: tuple[float, ...]

    @property
    def best(self) -> float:
        """The fastest run: the least disturbed by what else the machine did."""
        return min(self.seconds)

    @property
    def middle(self) -> float:
        """The median."""
        return median(self.seconds)

    def __str__(self) -> str:
        if len(self.seconds) == 1:
            return seconds(self.best)
        return f"{seconds(self.best)} ({seconds(self.middle)}, n={len(self.seconds)})"


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Attributes:
        what: what was done.
        ours: what Greenfield took.
        plain: what the plain tool took, and its name; empty where there is none to compare with.
        ratio: how many times as much the plain tool took; ``None`` where there is none.
        goal: what was to be reached; empty where nothing was promised.
        met: whether the goal is reached; ``None`` without a goal.
    """

    what: str
    ours: str
    plain: str = ""
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    lines = ["| what | Greenfield | plain | ratio | goal | met |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [f"| {row.what} | {row.ours} | {row.plain} | {_ratio(row)} | {row.goal} | {_met(row)} |" for row in rows]
    return "\n".join(lines)


def _ratio(row: Row) -> str:
    return "" if row.ratio is None else f"{row.ratio:.1f}×"


def _met(row: Row) -> str:
    return "" if row.met is None else "yes" if row.met else "**no**"


def seconds(value: float) -> str:
    """A duration for people."""
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s" if value < 120 else f"{value:.0f} s"


def mebibytes(value: float) -> str:
    """A size for people, from bytes."""
    return f"{value / MEBIBYTE:.1f} MiB" if value < 10 * MEBIBYTE else f"{value / MEBIBYTE:.0f} MiB"

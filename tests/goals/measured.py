"""Runs a part of the benchmarks and holds its rows to their goals."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

MISSED = "**no**"

Measure = Callable[[Path, Callable[[str], None]], str]


def rows_of(table: str) -> list[list[str]]:
    """Cells of a Markdown table's rows, without its head."""
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def met(measure: Measure, name: str, record_property: Callable[[str, object], None]) -> None:
    """Measure; every row that has a goal must meet it, and some row must have one."""
    with tempfile.TemporaryDirectory(prefix=f"greenfield-bench-{name}-") as folder:
        table = measure(Path(folder), lambda line: print(line, flush=True))
    rows = rows_of(table)
    held = [row for row in rows if row[-1]]
    assert held, f"no row has a goal:\n{table}"
    for row in held:
        record_property(row[0].replace("|", "/"), f"{row[1]} (goal {row[4]})")
    missed = [row for row in held if row[-1] == MISSED]
    assert not missed, "\n".join(" | ".join(row) for row in missed)

"""A CSV of hosts, as a DCIM exports it."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from greenfield.model.problem import Problem
from greenfield.spec.document import file_path

REQUIRED = ("name", "rack", "unit", "hardware", "serial", "address", "mac")
OPTIONAL = ("asset",)
LABEL = "label:"
"""A column ``label:zone`` gives hosts the label ``zone``."""


@dataclass(slots=True)
class Table:
    """Header and rows of a host table; ``lines`` holds the number of the line each row starts on."""

    file: Path
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def position(self, row: str | int, column: str | int | None) -> tuple[int, int]:
        """Line and column of a cell, counted from 1; of the row's start where the table has no such column."""
        index = row if isinstance(row, int) else self._row_named(row)
        if not 0 <= index < len(self.rows):
            return 1, 1
        line = self.lines[index]
        name = f"{LABEL}{column}" if f"{LABEL}{column}" in self.columns else column
        if name not in self.columns:
            return line, 1
        return line, _offset(self.text[line - 1], self.columns.index(str(name)))

    def name_of(self, row: int) -> str:
        """The host's name in a row, or the row's number where it has none; rows count from 0."""
        at = self.columns.index("name") if "name" in self.columns else -1
        return (self.rows[row][at].strip() if at >= 0 and row < len(self.rows) else "") or str(row + 1)

    def _row_named(self, name: str) -> int:
        at = self.columns.index("name") if "name" in self.columns else 0
        return next((index for index, row in enumerate(self.rows) if len(row) > at and row[at].strip() == name), -1)


def _offset(line: str, cell: int) -> int:
    """Where the ``cell``-th field of a CSV line starts, counted from 1."""
    quoted, seen = False, 0
    for index, letter in enumerate(line):
        if seen == cell:
            return index + 1
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            seen += 1
    return len(line) + 1 if seen == cell else 1


def read(file: Path, problems: list[Problem]) -> Table | None:
    """The table in a file, or ``None`` when it can't be read; what is wrong goes into ``problems``.

    Empty lines and lines that start with ``#`` are left out.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem(file_path(file, 1, 1), "is not UTF-8", "export it as UTF-8", "csv"))
        return None
    table = Table(file, text=text.splitlines())
    reader = csv.reader(table.text, strict=True)
    before = 0
    try:
        for row in reader:
            start, before = before + 1, reader.line_num
            if not row or row[0].startswith("#"):
                continue
            if not table.columns:
                table.columns = [column.strip() for column in row]
                continue
            table.rows.append(row)
            table.lines.append(start)
    except csv.Error as error:
        where = file_path(file, before + 1, 1)
        problems.append(Problem(where, f"is not CSV: {error}", "check the quotes from this line on", "csv"))
        return None
    return table if _check(table, problems) else None


def _check(table: Table, problems: list[Problem]) -> bool:
    """Whether rows can be read at all; header and row lengths that are wrong go into ``problems``."""
    header = file_path(table.file, 1, 1)
    missing = [column for column in REQUIRED if column not in table.columns]
    if missing:
        fix = f"the first line names the columns: {','.join(REQUIRED + OPTIONAL)}"
        problems.append(Problem(header, f"has no column {', '.join(missing)}", fix, "csv-column"))
    for column in table.columns:
        if column not in REQUIRED + OPTIONAL and not column.startswith(LABEL):
            fix = f"remove it, or call it label:{column} to make it a label"
            problems.append(Problem(header, f'has an unknown column "{column}"', fix, "csv-column"))
    if len(set(table.columns)) < len(table.columns):
        twice = sorted({column for column in table.columns if table.columns.count(column) > 1})
        problems.append(Problem(header, f"has the column {', '.join(twice)} twice", "keep one", "csv-column"))
    width = len(table.columns)
    short = [index for index, row in enumerate(table.rows) if len(row) != width]
    for index in short:
        message = f"has {len(table.rows[index])} cells; the header has {width}"
        problems.append(Problem(file_path(table.file, table.lines[index], 1), message, "add or remove cells", "csv"))
    for index in reversed(short):
        del table.rows[index], table.lines[index]
    return not missing

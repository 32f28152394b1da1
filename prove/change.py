"""What a change touches: which tests to run for it, and how long they take."""

from __future__ import annotations

from pathlib import Path

from prove import REPO
from prove.book import Book, changed_files
from prove.places import PLACES, kinds_of

BASE = (
    (".ci/lint", "every change", "30 s"),
    (".venv/bin/pytest -q tests/unit", "every change of code", "4 min"),
)


def tell(base: str) -> int:
    """Print the commands for what changed since a commit; the exit code."""
    files = changed_files(base)
    if not files:
        print(f"nothing has changed since {base}")
        return 0
    book = Book()
    kinds = sorted({kind for file in files if (REPO / file).exists() for kind in kinds_of(file)})
    due = [each for each in book.standings(book.events) if each.changed and each.event.seat.drawn]
    for command, when, seconds in BASE:
        print(f"{command:60} {when}, {seconds}")
    beside = unit_tests_of(files)
    if beside:
        print(f".venv/bin/pytest -q {' '.join(beside):40} at once, seconds each")
    if kinds:
        print(f"kinds touched: {', '.join(kinds)} (of {', '.join(PLACES)})")
    for each in due:
        print(
            f"make prove {each.event.name:49} about {each.seconds / 60:.0f} min, and its seat's set-up"
            f" {each.event.seat.setup_seconds / 60:.0f} min"
        )
    total = sum(each.seconds for each in due) + sum(
        {e.event.seat.folder: e.event.seat.setup_seconds for e in due}.values()
    )
    print(f"{len(due)} events want to be proved anew, about {total / 60:.0f} min: make prove STALE=1")
    return 0


def unit_tests_of(files: list[str]) -> list[str]:
    """Folders of unit tests that mirror the packages of changed files."""
    folders = {
        Path("tests/unit") / Path(file).parts[1]
        for file in files
        if file.startswith("greenfield/") and file.count("/") > 1
    }
    return sorted(str(folder) for folder in folders if (REPO / folder).is_dir())

"""``make prove``: what is chosen, what is kept of it, and what is told of a failure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from book_shape import book_of

from prove import proving
from prove.book import Book
from prove.event import Event, ProveError, Seat
from prove.proving import Wish, span
from prove.record import Record
from prove.session import Outcome

LAB = Seat("tests/e2e/lab", setup_seconds=100)
DELIVER, LOSE, CUT = (Event(f"tests/e2e/lab/test_{n}.py", (f"etcd/{n}",), LAB) for n in ("deliver", "lose", "cut"))


class Runs:
    """Stands for Execution: each run takes the next verdict of a module; good without one."""

    verdicts: dict[str, list[bool]]
    ran: list[list[str]]

    def __init__(
        self, events: Iterable[Event], plan: Any, say: Any, costs: Any, ended: Callable[[Outcome], None]
    ) -> None:
        self.events, self.ended, self.keeps = list(events), ended, plan.keep
        self.outcomes: dict[str, Outcome] = {}
        self.kept = ""

    def run(self) -> None:
        Runs.ran.append([event.name for event in self.events])
        for event in self.events:
            verdicts = Runs.verdicts.get(event.module, [])
            good = verdicts[:1] != [False]
            Runs.verdicts[event.module] = verdicts[1:]
            test = f"{event.module}::test_x"
            outcome = Outcome(event.module, [test] * good, [test] * (not good))
            self.outcomes[event.module] = outcome
            self.ended(outcome)
            if not good and self.keeps:
                self.kept = event.module
                return


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Book:
    """Three events of a lab that were proved on this very tree, and nothing of this machine."""
    Runs.verdicts, Runs.ran = {}, []
    made = book_of([DELIVER, LOSE, CUT], tmp_path)
    for event in made.events:
        made.records.write(event.name, _record())

    @contextlib.contextmanager
    def here() -> Iterator[None]:
        yield

    monkeypatch.setattr(proving, "Book", lambda: made)
    monkeypatch.setattr(proving, "Execution", Runs)
    monkeypatch.setattr(proving, "alone", here)
    monkeypatch.setattr(proving, "labs_down", lambda: True)
    monkeypatch.setattr(proving, "build_for", lambda events: None)
    monkeypatch.setattr(proving, "slowness", lambda: 1.0)
    monkeypatch.setattr(proving.support, "write", lambda: None)
    monkeypatch.setattr(proving.room, "missing", lambda *a, **k: [])
    return made


def _record(digest: str = "d", core: str = "c", days: float = 1, seconds: float = 60) -> Record:
    when = datetime.now(UTC) - timedelta(days=days)
    return Record(digest, core, "abc", when.strftime("%Y-%m-%dT%H:%M:%SZ"), seconds)


def test_what_is_proved_on_this_tree_is_not_run_again_unless_asked_for(book: Book) -> None:
    assert proving.run(Wish()) == 0
    assert Runs.ran == []
    assert proving.run(Wish(again=True)) == 0
    assert proving.run(Wish(names=("etcd/lose",))) == 0
    assert Runs.ran == [["etcd/deliver", "etcd/lose", "etcd/cut"], ["etcd/lose"]]


@pytest.mark.parametrize("record", [_record("other"), _record(core="other")])
def test_it_goes_on_with_what_is_not_proved_on_this_tree(book: Book, record: Record) -> None:
    book.records.write("etcd/lose", record)
    assert proving.run(Wish()) == 0
    assert Runs.ran == [["etcd/lose"]]
    assert proving.run(Wish()) == 0
    assert len(Runs.ran) == 1


def test_what_is_most_due_is_chosen_within_the_time(book: Book) -> None:
    book.records.write("etcd/lose", _record(days=20))
    assert proving.run(Wish(stale=True, seconds=170)) == 0
    assert Runs.ran == [["etcd/lose"]]


def test_a_failure_leaves_its_lab_and_tells_the_line_that_runs_it_again(
    book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    Runs.verdicts = {DELIVER.module: [False]}
    assert proving.run(Wish(again=True)) == 1
    said = capsys.readouterr().out
    assert "GREENFIELD_KEEP_LAB=1 .venv/bin/python -m pytest" in said
    assert f"{DELIVER.module}::test_x" in said
    assert "make prove DOWN=1" in said
    assert "NOT PROVED: etcd/lose (0 of 1 passed)" in said


def test_told_to_go_on_it_runs_the_rest(book: Book) -> None:
    Runs.verdicts = {DELIVER.module: [False]}
    before = book.records.get("etcd/lose")
    assert proving.run(Wish(again=True, go_on=True)) == 1
    assert book.records.get("etcd/lose") != before
    assert book.records.get("etcd/deliver") is not None


def test_what_passes_only_sometimes_is_not_proved(book: Book) -> None:
    Runs.verdicts = {LOSE.module: [True, False, True]}
    assert proving.run(Wish(names=("etcd/lose",), times=2)) == 1
    assert book.records.get("etcd/lose") is None


@pytest.mark.parametrize("verdicts", [[False, True], [True, False, True]])
def test_what_passes_again_after_it_failed_is_no_more_proved(book: Book, verdicts: list[bool]) -> None:
    book.records.void("etcd/lose")
    Runs.verdicts = {LOSE.module: list(verdicts)}
    assert proving.run(Wish(("etcd/lose",), times=len(verdicts), go_on=True)) == 1
    assert book.records.get("etcd/lose") is None


def test_failed_tries_stand_in_the_next_record(book: Book) -> None:
    Runs.verdicts = {LOSE.module: [False, True]}
    proving.run(Wish(names=("etcd/lose",)))
    proving.run(Wish(names=("etcd/lose",)))
    found = book.records.get("etcd/lose")
    assert found is not None
    assert found.failed_tries == 1


def test_too_little_room_is_told_before_anything_runs(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving.room, "missing", lambda *a, **k: ["disk: 1 GiB"])
    with pytest.raises(ProveError, match="disk: 1 GiB"):
        proving.run(Wish(again=True))
    assert Runs.ran == []


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("60m", 3600), ("1.5h", 5400)])
def test_a_time_is_read(text: str, seconds: float) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "60", "m", "1d", "-5m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ProveError, match="is no time"):
        span(text)

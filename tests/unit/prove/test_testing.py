"""``make test`` as a whole, with sessions that only say how they ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from book_shape import book_of

from prove import testing
from prove.event import Event, Seat
from prove.record import Record
from prove.session import Outcome
from prove.testing import Submission

LAB = Seat("tests/e2e/lab")
DELIVER = Event("tests/e2e/lab/test_deliver.py", ("etcd/deliver",), LAB, fixed=True)
LOSE = Event("tests/e2e/lab/test_lose.py", ("etcd/lose",), LAB)
CUT = Event("tests/e2e/lab/test_cut.py", ("etcd/cut",), LAB)
SLOW = Event("tests/goals/test_slow.py", ("goals/slow",), Seat("tests/goals", drawn=False))


def _record(digest: str = "d", seconds: float = 60, days: float = 1) -> Record:
    when = datetime.now(UTC) - timedelta(days=days)
    return Record(digest, "c", "abc", when.strftime("%Y-%m-%dT%H:%M:%SZ"), seconds)


class Runs:
    """Stands for Execution: each run takes the next verdict of a module; good without one."""

    verdicts: dict[str, list[bool]]
    ran: list[list[str]]

    def __init__(self, events: Iterable[Event], plan: Any, say: Any, costs: Any, ended: Any = print) -> None:
        self.events, self.ended = list(events), ended
        self.outcomes: dict[str, Outcome] = {}
        self.lint_failed = False

    def run(self, plain: Sequence[str] = (), *, lint: bool = False) -> None:
        Runs.ran.append([event.name for event in self.events])
        for event in self.events:
            good = Runs.verdicts.get(event.module, [])[:1] != [False]
            Runs.verdicts[event.module] = Runs.verdicts.get(event.module, [])[1:]
            test = f"{event.module}::test_x"
            self.outcomes[event.module] = Outcome(event.module, [test] * good, [test] * (not good))
            self.ended(self.outcomes[event.module])


@pytest.fixture
def tested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Submission:
    Runs.verdicts, Runs.ran = {}, []
    monkeypatch.setattr(testing, "Execution", Runs)
    monkeypatch.setattr(testing, "build_for", lambda events: None)
    monkeypatch.setattr(testing, "plain_modules", lambda: [])
    monkeypatch.setattr(testing, "slowness", lambda: 1.0)
    monkeypatch.setattr(testing.support, "write", lambda: None)
    book = book_of([DELIVER, LOSE, CUT, SLOW], tmp_path)
    monkeypatch.setattr(testing, "Book", lambda: book)
    made = Submission(print, testing.time.time())
    for name in made.book.digests:
        made.book.records.write(name, _record())
    return made


def test_all_that_passed_is_recorded_and_the_run_ends_with_a_summary(tested: Submission) -> None:
    before = tested.book.records.get("etcd/deliver")
    assert tested.run() == 0
    assert Runs.ran[0][0] == "etcd/deliver"
    assert sorted(Runs.ran[0][1:]) == ["etcd/cut", "etcd/lose"]
    assert tested.book.records.get("etcd/deliver") != before
    assert tested.last.startswith(" 3 passed in ")


def test_a_drawn_event_that_passes_the_second_time_is_a_flake_whose_record_is_void(
    tested: Submission, capsys: pytest.CaptureFixture[str]
) -> None:
    Runs.verdicts = {LOSE.module: [False, True]}
    assert tested.run() == 0
    assert Runs.ran[1:] == [["etcd/lose"]]
    assert tested.book.records.get("etcd/lose") is None
    assert tested.book.records.get("etcd/cut") is not None
    assert "FLAKE: etcd/lose passed at the second try" in capsys.readouterr().out


def test_a_failure_for_whose_second_try_no_time_is_left_stays_one(
    tested: Submission, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(Runs):
        """Has time for one run."""

        def run(self, plain: Sequence[str] = (), *, lint: bool = False) -> None:
            if Runs.ran:
                self.outcomes = {event.module: Outcome(event.module, left=True) for event in self.events}
            else:
                super().run(plain, lint=lint)

    monkeypatch.setattr(testing, "Execution", Late)
    Runs.verdicts = {LOSE.module: [False]}
    assert tested.run() == 1
    assert " 1 failed, 2 passed in " in tested.last


def test_failing_twice_fails_the_run(tested: Submission) -> None:
    Runs.verdicts = {LOSE.module: [False, False]}
    assert tested.run() == 1
    assert Runs.ran[1:] == [["etcd/lose"]]


@pytest.mark.parametrize("event", [DELIVER, LOSE])
def test_what_is_fixed_or_changed_has_no_second_try(tested: Submission, event: Event) -> None:
    tested.book.records.write("etcd/lose", _record("before the change"))
    Runs.verdicts = {event.module: [False]}
    assert tested.run() == 1
    assert len(Runs.ran) == 1


def test_a_changed_event_that_is_neither_proved_nor_drawn_fails_the_run_and_names_the_command(
    tested: Submission, capsys: pytest.CaptureFixture[str]
) -> None:
    tested.book.records.write("etcd/lose", _record("before the change", seconds=testing.DRAWN_SECONDS + 1))
    assert tested.run() == 1
    said = capsys.readouterr().out
    assert "left out: etcd/lose" in said
    assert "make prove etcd/lose" in said


def test_a_changed_event_that_is_drawn_is_proved_by_that(tested: Submission) -> None:
    tested.book.records.write("etcd/lose", _record("before the change"))
    assert tested.run() == 0
    found = tested.book.records.get("etcd/lose")
    assert found is not None
    assert found.digest == "d"


def test_what_only_make_prove_runs_fails_no_run(tested: Submission) -> None:
    tested.book.records.void("goals/slow")
    assert tested.run() == 0


def test_nothing_is_drawn_when_the_time_is_gone(tested: Submission, capsys: pytest.CaptureFixture[str]) -> None:
    tested.began -= testing.LAST_SECONDS
    assert tested.run() == 0
    assert Runs.ran == [["etcd/deliver"]]
    assert "left out: " in capsys.readouterr().out


def test_a_fixed_event_that_did_not_run_fails_the_run(tested: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Runs, "run", lambda self, plain=(), lint=False: None)
    assert tested.run() == 1


def test_a_shortage_of_the_machine_is_told_by_its_name(
    tested: Submission, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(testing.room.Watch, "shortage", lambda self: "the machine's disk was full meanwhile")
    tested.run()
    assert "NOTE: the machine's disk was full meanwhile" in capsys.readouterr().out


def test_plain_tests_that_did_not_run_fail_the_run(tested: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "plain_modules", lambda: ["tests/unit"])
    assert tested.run() == 1


def test_lint_that_found_something_fails_the_run(tested: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(self: Runs, plain: Sequence[str] = (), *, lint: bool = False) -> None:
        original(self, plain, lint=lint)
        self.lint_failed = True

    original = Runs.run
    monkeypatch.setattr(Runs, "run", run)
    assert tested.run() == 1
    assert tested.last.startswith(" 1 failed, 3 passed in ")

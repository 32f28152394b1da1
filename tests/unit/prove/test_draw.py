"""What is drawn: what changed first, then the oldest, within the time, the same for the same commit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from prove.draw import UNKNOWN_SECONDS, Standing, draw, most_due, standing
from prove.event import Event, Seat
from prove.record import Record

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
LAB, KUBE = Seat("tests/e2e/lab", setup_seconds=100), Seat("tests/e2e/kube", setup_seconds=300)


def _event(name: str, seat: Seat = LAB) -> Event:
    return Event(f"{seat.folder}/test_{name.replace('/', '_')}.py", (name,), seat)


def _record(digest: str = "d", days: float = 1, core: str = "c", seconds: float = 60) -> Record:
    return Record(digest, core, "abc", (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ"), seconds)


def _standing(name: str, record: Record | None, seat: Seat = LAB) -> Standing:
    return standing(_event(name, seat), {name: record} if record else {}, {name: "d"}, "c", NOW)


def test_an_event_without_a_record_counts_as_changed_and_infinitely_old() -> None:
    found = _standing("etcd/lose", None)
    assert (found.changed, found.age_days, found.seconds) == (("etcd/lose",), float("inf"), UNKNOWN_SECONDS)
    assert found.stale


def test_an_event_that_was_never_proved_is_taken_to_cost_what_others_do() -> None:
    others = {f"a/e{number}": _record(seconds=seconds) for number, seconds in enumerate((10, 40, 500))}
    assert standing(_event("etcd/lose"), others, {"etcd/lose": "d"}, "c", NOW).seconds == 40


def test_an_event_is_changed_when_any_of_its_digests_is() -> None:
    event = Event("m.py", ("etcd/lose", "host/lose"), LAB)
    records = {"etcd/lose": _record(), "host/lose": _record("other", days=20)}
    found = standing(event, records, {"etcd/lose": "d", "host/lose": "d"}, "c", NOW)
    assert found.changed == ("host/lose",)
    assert found.age_days == pytest.approx(20)
    assert not found.core
    assert standing(event, records, {"etcd/lose": "d", "host/lose": "d"}, "new", NOW).core


def test_changed_ones_come_first_then_those_over_two_weeks_then_the_oldest() -> None:
    due = most_due(
        [
            _standing("a/young", _record(days=1)),
            _standing("a/old", _record(days=13)),
            _standing("a/stale", _record(days=15)),
            _standing("a/changed", _record("other", days=0)),
            _standing("a/never", None),
        ],
        "tree",
    )
    assert [each.event.name for each in due] == ["a/never", "a/changed", "a/stale", "a/old", "a/young"]


def test_between_records_of_one_day_the_commit_draws_and_the_same_commit_draws_the_same() -> None:
    standings = [_standing(f"a/e{number}", _record(days=2 + number / 100)) for number in range(8)]
    orders = {tuple(each.event.name for each in most_due(standings, f"tree {number}")) for number in range(20)}
    assert len(orders) > 10
    assert most_due(standings, "tree") == most_due(list(reversed(standings)), "tree")


def test_a_seat_that_is_not_up_costs_its_set_up_once() -> None:
    due = [_standing(f"k/e{number}", _record(), KUBE) for number in range(3)]
    assert draw(due, 480, ()).seconds == 480
    assert len(draw(due, 479, ()).events) == 2
    assert draw(due, 180, [KUBE.folder]).seconds == 180


def test_what_does_not_fit_is_left_out_and_a_smaller_one_behind_it_is_taken() -> None:
    due = [_standing("a/long", _record(seconds=500)), _standing("a/short", _record(seconds=50))]
    found = draw(due, 100, [LAB.folder])
    assert [event.name for event in found.events] == ["a/short"]
    assert [event.name for event in found.left] == ["a/long"]


def test_a_slow_machine_draws_less_and_no_time_draws_nothing() -> None:
    due = [_standing(f"a/e{number}", _record(seconds=100)) for number in range(5)]
    assert len(draw(due, 500, [LAB.folder]).events) == 5
    assert len(draw(due, 500, [LAB.folder], lambda usual: 2 * usual).events) == 2
    assert draw(due, -5, [LAB.folder]).events == ()

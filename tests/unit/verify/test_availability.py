"""What the loops of one probe saw, added up over connections that broke; and the records."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from results_shape import PROBE

from greenfield.errors import VerifyError
from greenfield.verify.availability import Availability, Tally, from_json
from greenfield.verify.availability_records import AvailabilityRecords

QUESTION = Availability("shop", "tcp://10.0.0.5:80", "r1-h1", 0.2, 1.0)


def seen(asked: int, failed: int = 0, gap: float = 0.2, **more: Any) -> dict[str, Any]:
    line = {
        "asked": asked,
        "failed": failed,
        "longest_gap_seconds": gap if asked else 0.0,
        "longest_gap_at": f"gap of {gap}" if asked else "",
        "errors": {"connection refused": failed} if failed else {},
        "began": "began",
        "last": f"after {asked}",
        "failing_for": 0.0,
        "ended": False,
    }
    return {**line, **more}


def test_lines_of_one_loop_are_sums_already() -> None:
    tally = Tally(QUESTION)
    assert not tally.has_begun
    for at, line in ((100.0, seen(0)), (101.0, seen(5)), (102.5, seen(12, 2, 0.6))):
        tally.heard(line, at)
    record = tally.record(103.0, ended=True)
    assert (record.asked, record.failed, record.longest_gap_seconds) == (12, 2, 0.6)
    assert (record.seconds, record.unobserved_seconds, record.reconnects) == (2.5, 0.0, 0)
    assert (record.began, record.last, record.longest_gap_at) == ("began", "after 12", "gap of 0.6")
    assert record.ended and record.errors == {"connection refused": 2}


def test_time_without_a_connection_is_unobserved_and_never_asked() -> None:
    tally = Tally(QUESTION)
    tally.heard(seen(0), 100.0)
    tally.heard(seen(50, 3, 0.8), 110.0)
    tally.broke()
    assert tally.record(114.0).unobserved_seconds == 4.0
    assert tally.record(114.0).seconds == 14.0
    tally.broke()
    tally.heard(seen(0, began="again"), 117.0)
    tally.heard(seen(10, 1, 0.5), 119.0)
    tally.broke()
    tally.heard(seen(0), 120.0)
    record = tally.record(125.0)
    assert (record.asked, record.failed, record.errors) == (60, 4, {"connection refused": 4})
    assert (record.longest_gap_seconds, record.longest_gap_at) == (0.8, "gap of 0.8")
    assert (record.unobserved_seconds, record.seconds, record.reconnects) == (8.0, 20.0, 2)
    assert (record.began, record.last) == ("began", "after 10")


def test_a_gap_goes_on_through_unobserved_time_only_after_a_failure() -> None:
    tally = Tally(QUESTION)
    tally.heard(seen(10), 100.0)
    tally.broke()
    assert tally.failing_until(104.0) == 0
    tally.heard(seen(10, 4, 0.9, failing_for=0.9), 105.0)
    tally.broke()
    assert tally.failing_until(108.0) == pytest.approx(3.9)


def test_json_reads_back_the_same_and_says_from() -> None:
    document = json.loads(json.dumps(PROBE.to_json()))
    assert document["from"] == "r1-h1" and "host" not in document
    assert from_json(document) == PROBE
    assert PROBE.failed_ratio == pytest.approx(1 / 3412) and QUESTION.failed_ratio == 0


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AvailabilityRecords:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return AvailabilityRecords("lab", "orders")


def test_the_newest_record_of_each_name_is_kept(records: AvailabilityRecords, tmp_path: Path) -> None:
    assert records.read_all() == ()
    for probe in (PROBE, replace(PROBE, name="api"), replace(PROBE, asked=7)):
        records.hold(probe.name).close()
        records.write(probe)
    assert [(record.name, record.asked) for record in records.read_all()] == [("api", 3412), ("shop", 7)]
    folder = tmp_path / "greenfield" / "probes" / "lab" / "orders"
    assert {path.name for path in folder.iterdir()} == {"api.json", "shop.json"}
    assert AvailabilityRecords("lab", "other").read_all() == ()


@pytest.mark.parametrize("name", ["../x", "", "A", "a b", "-a", "a" * 64, "a.json", "a\n"])
def test_names_that_are_none_are_refused(records: AvailabilityRecords, name: str, tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match="is no name for a probe"):
        records.hold(name)
    assert list(tmp_path.iterdir()) == []


def test_one_probe_of_a_name_runs_at_a_time(records: AvailabilityRecords) -> None:
    with records.hold("shop"):
        records.write(PROBE)
        assert records.is_running("shop") and not records.is_running("api")
        with pytest.raises(VerifyError, match=r'a probe "shop" of orders on lab is running \(process \d+\)'):
            records.hold("shop")
        with pytest.raises(VerifyError, match="is running"):
            records.forget("shop")
    records.forget("shop")
    assert records.read_all() == ()


def test_what_is_not_there_can_not_be_forgotten(records: AvailabilityRecords) -> None:
    with pytest.raises(VerifyError) as nothing:
        records.forget("shop")
    assert nothing.value.fix == "no probe of this cluster has a record"
    records.hold("shop").close()
    records.write(PROBE)
    with pytest.raises(VerifyError) as wrong:
        records.forget("shup")
    assert wrong.value.fix == 'did you mean "shop"?'


def test_a_state_that_can_not_be_written_to(records: AvailabilityRecords, tmp_path: Path) -> None:
    (tmp_path / "greenfield").write_text("a file where a folder should be")
    with pytest.raises(VerifyError, match="Not a directory") as error:
        records.hold("shop")
    assert "XDG_STATE_HOME" in error.value.fix


@pytest.mark.parametrize("text", ["", "[]", '{"name": "shop"}', '{"from": "x", "colour": 1}'])
def test_a_record_that_is_none_is_named(records: AvailabilityRecords, text: str) -> None:
    records.hold("shop").close()
    records.path("shop").write_text(text)
    with pytest.raises(VerifyError, match=r"shop\.json: is no record of a probe"):
        records.read_all()

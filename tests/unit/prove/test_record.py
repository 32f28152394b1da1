"""Records are written for what passed, count the failures before, and are gone when they are void."""

from __future__ import annotations

from pathlib import Path

import pytest

from prove.event import ProveError
from prove.record import Record, Records

RECORD = Record("d", "c", "abc", "2026-11-30T10:00:00Z", 12.5, figures={"gap_seconds": 1.5}, versions={"etcd": "3.6"})


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    records = Records(tmp_path / "proofs")
    assert records.get("etcd/lose") is None
    records.write("etcd/lose", RECORD)
    assert records.get("etcd/lose") == RECORD
    assert list(Records(tmp_path / "proofs").all()) == ["etcd/lose"]


def test_failed_tries_since_the_record_before_are_counted_once(tmp_path: Path) -> None:
    records = Records(tmp_path / "proofs")
    records.failed("etcd/lose")
    records.failed("etcd/lose")
    records.failed("etcd/other")
    records.write("etcd/lose", RECORD)
    found = records.get("etcd/lose")
    assert found is not None
    assert found.failed_tries == 2
    records.write("etcd/lose", RECORD)
    assert records.get("etcd/lose") == RECORD


def test_a_void_record_is_gone(tmp_path: Path) -> None:
    records = Records(tmp_path / "proofs")
    records.write("etcd/lose", RECORD)
    records.void("etcd/lose")
    records.void("etcd/lose")
    assert records.all() == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"digest": "d"}', '{"colour": 1}'])
def test_what_is_no_record_is_refused_with_the_way_out(tmp_path: Path, text: str) -> None:
    file = tmp_path / "proofs" / "etcd" / "lose.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(ProveError) as refused:
        Records(tmp_path / "proofs").get("etcd/lose")
    assert "make prove etcd/lose" in refused.value.fix

"""The placement record: what is written is read back, and what is not a record is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from greenfield.errors import PlanError
from greenfield.plan import Plan, load_placement, placement_of, save_placement


def test_nothing_recorded_is_none(tmp_path: Path) -> None:
    assert load_placement(tmp_path, "orders") is None


def test_what_is_saved_is_loaded(tmp_path: Path, plan: Plan) -> None:
    assert save_placement(tmp_path, plan)
    assert load_placement(tmp_path, "orders") == placement_of(plan)
    assert [path.name for path in tmp_path.iterdir()] == ["orders.placement.json"]


def test_the_file_is_written_only_when_it_changes(tmp_path: Path, plan: Plan) -> None:
    save_placement(tmp_path, plan)
    before = (tmp_path / "orders.placement.json").stat().st_mtime_ns
    assert not save_placement(tmp_path, plan)
    assert (tmp_path / "orders.placement.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"format": 2, "cluster": "orders", "pools": {}, "engines": {}}',
        '{"format": 1, "cluster": "other", "pools": {}, "engines": {}}',
        '{"format": 1, "cluster": "orders", "pools": {}}',
        '{"format": 1, "cluster": "orders", "pools": {"a": 1}, "engines": {}}',
    ],
)
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "orders.placement.json").write_text(text)
    with pytest.raises(PlanError, match="is not a placement record of cluster orders"):
        load_placement(tmp_path, "orders")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, plan: Plan) -> None:
    with pytest.raises(PlanError, match="No such file"):
        save_placement(tmp_path / "nowhere", plan)

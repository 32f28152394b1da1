"""The placement record: what is written is read back, and what is not a record is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from greenfield.errors import PlanError
from greenfield.plan import (
    Placement,
    Plan,
    load_placement,
    make_plan,
    placement_of,
    record_begin,
    record_formed,
    record_gone,
    record_left,
    record_settled,
    save_placement,
)


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
        '{"format": 1, "cluster": "orders", "pools": {}, "engines": {}, "versions": {"kv": "3.6"}}',
        '{"format": 1, "cluster": "orders", "pools": {}, "engines": {}, "versions": {"kv": []}}',
        '{"format": 1, "cluster": "orders", "pools": {}, "engines": {}, "versions": {"kv": ["latest"]}}',
    ],
)
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "orders.placement.json").write_text(text)
    with pytest.raises(PlanError, match="is not a placement record of cluster orders"):
        load_placement(tmp_path, "orders")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, plan: Plan) -> None:
    with pytest.raises(PlanError, match="No such file"):
        save_placement(tmp_path / "nowhere", plan)


def _loaded(folder: Path) -> Placement:
    found = load_placement(folder, "orders")
    assert found is not None
    return found


def test_a_version_is_added_when_its_engine_is_begun_and_alone_when_it_is_formed(tmp_path: Path, plan: Plan) -> None:
    save_placement(tmp_path, plan)
    assert _loaded(tmp_path).versions == {}
    record_begin(tmp_path, "orders", "config-store", "3.6")
    record_formed(tmp_path, "orders", "config-store", "3.6")
    assert _loaded(tmp_path).versions == {"config-store": ("3.6",)}
    record_begin(tmp_path, "orders", "config-store", "3.7")
    record_begin(tmp_path, "orders", "config-store", "3.7")
    assert _loaded(tmp_path).versions == {"config-store": ("3.6", "3.7")}
    record_formed(tmp_path, "orders", "config-store", "3.7")
    assert _loaded(tmp_path).versions == {"config-store": ("3.7",)}
    assert _loaded(tmp_path).engines == placement_of(plan).engines


def test_versions_outlive_a_new_plan_but_not_their_engine(tmp_path: Path, plan: Plan) -> None:
    save_placement(tmp_path, plan)
    for engine, version in (("config-store", "3.6"), ("sessions", "7.0")):
        record_formed(tmp_path, "orders", engine, version)
    assert not save_placement(tmp_path, plan)
    fewer = replace(plan.cluster, engines={"sessions": plan.cluster.engines["sessions"]})
    assert save_placement(tmp_path, make_plan(plan.site, fewer))
    assert _loaded(tmp_path).versions == {"sessions": ("7.0",)}


def test_names_typed_under_wipe_are_kept(tmp_path: Path, plan: Plan) -> None:
    named = replace(plan.cluster.engines["sessions"], wipe=frozenset({"sessions"}))
    cluster = replace(plan.cluster, engines={**plan.cluster.engines, "sessions": named})
    save_placement(tmp_path, make_plan(plan.site, cluster))
    assert _loaded(tmp_path).released == {"sessions"}
    save_placement(tmp_path, plan)
    assert _loaded(tmp_path).released == frozenset()


def test_a_cluster_that_is_gone_binds_nobody_and_keeps_its_places(tmp_path: Path, plan: Plan) -> None:
    record_gone(tmp_path, "orders")
    assert load_placement(tmp_path, "orders") is None, "what was never recorded is not made up"
    save_placement(tmp_path, plan)
    record_formed(tmp_path, "orders", "config-store", "3.6")
    record_gone(tmp_path, "orders")
    assert _loaded(tmp_path) == placement_of(plan)


def _shrunk(plan: Plan, standing: Placement | None = None) -> Plan:
    """The example with Redis gone, beside what stands."""
    fewer = replace(plan.cluster, engines={"config-store": plan.cluster.engines["config-store"]})
    return make_plan(plan.site, fewer, standing)


def test_what_leaves_is_kept_until_it_has_left(tmp_path: Path, plan: Plan) -> None:
    save_placement(tmp_path, plan)
    record_formed(tmp_path, "orders", "sessions", "7.0")
    hosts = tuple(sorted(member.host for member in plan.members_of("sessions")))
    save_placement(tmp_path, _shrunk(plan, replace(_loaded(tmp_path), released=frozenset({"sessions"}))))
    assert _loaded(tmp_path).leaving == {"sessions": hosts}
    save_placement(tmp_path, _shrunk(plan, _loaded(tmp_path)))
    assert _loaded(tmp_path).leaving == {"sessions": hosts}, "a run that was killed goes on"
    before = _loaded(tmp_path)
    record_left(tmp_path, "orders", "sessions", hosts[:-1])
    assert _loaded(tmp_path).leaving == {"sessions": hosts[-1:]}
    assert _loaded(tmp_path).has_left_since(before)
    record_left(tmp_path, "orders", "config-store", hosts)
    assert _loaded(tmp_path).leaving == {"sessions": hosts[-1:]}
    before = _loaded(tmp_path)
    record_settled(tmp_path, "orders", hosts[-1:])
    assert _loaded(tmp_path).leaving == {"sessions": hosts[-1:]}, "in quarantine, so it has yet to leave"
    assert not _loaded(tmp_path).has_left_since(before)
    record_settled(tmp_path, "orders")
    assert _loaded(tmp_path).leaving == {}


def test_a_member_that_comes_back_before_it_has_left_stays(tmp_path: Path, plan: Plan) -> None:
    save_placement(tmp_path, plan)
    record_formed(tmp_path, "orders", "sessions", "7.0")
    standing = replace(_loaded(tmp_path), released=frozenset({"sessions"}))
    save_placement(tmp_path, _shrunk(plan, standing))
    again = make_plan(plan.site, plan.cluster, replace(_loaded(tmp_path), engines=standing.engines))
    assert again.leaving == {}


def test_an_engine_that_was_never_deployed_has_nothing_to_leave(tmp_path: Path, plan: Plan) -> None:
    save_placement(tmp_path, plan)
    assert _shrunk(plan, _loaded(tmp_path)).leaving == {}

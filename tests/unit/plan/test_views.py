"""Pictures of a plan: elevation as text and drawing, JSON, and changes against what is deployed."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest
from lab_shape import build_cluster, build_site, etcd, pool

from greenfield.plan import Plan, cell_variables, make_plan
from greenfield.plan.changes import changes
from greenfield.plan.elevation import elevation_text
from greenfield.plan.elevation_svg import SIGNS, elevation_svg, rack_svgs
from greenfield.plan.view_json import plan_document
from greenfield.plan.view_text import plan_table

SVG = "{http://www.w3.org/2000/svg}"


def _deployed(plan: Plan) -> dict[str, Any]:
    snapshot: dict[str, Any] = {}
    for cell in plan.cells:
        shared, own = cell_variables(plan, cell)
        snapshot[cell.name] = {host: {"variables": {**shared, **own[host]}} for host in cell.hosts}
    return json.loads(json.dumps(snapshot))


def test_elevation_draws_units_from_the_top(plan: Plan) -> None:
    assert elevation_text(plan).split("\n\n")[0].splitlines() == [
        "r1  row A  42 units  540 of 4000 W with one feed lost  ToR r1-sw1",
        "   4-42 | ·",
        "      3 | r1-h3  data  sessions: shard-3 replica",
        "      2 | r1-h2  data  sessions: shard-1 primary",
        "      1 | r1-h1  control  config-store: member-1",
    ]


def test_elevation_shows_hosts_of_others() -> None:
    plan = make_plan(build_site(3, 2), build_cluster([pool("control", 3, 1)], [etcd("kv", "control")]))
    assert "r1-h2  (not of this cluster)" in elevation_text(plan)


def test_drawing_is_one_well_formed_picture_with_verdicts(plan: Plan) -> None:
    status = {"r1-h1": "pass", "r1-h2": "fail", "r1-h3": "error", "r2-h1": "waived"}
    root = ElementTree.fromstring(elevation_svg(plan, status))
    assert root.tag == f"{SVG}svg"
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert all(host in texts for host in plan.hosts)
    signs = [element.text or "" for element in root.iter(f"{SVG}text") if element.get("class", "")[4:] in SIGNS]
    assert sorted(signs) == sorted(["✓", "✗", "!", "~", *[""] * 5])
    assert "prefers-color-scheme:dark" in elevation_svg(plan)
    assert "http" not in elevation_svg(plan).replace("http://www.w3.org/2000/svg", "")


def test_names_are_escaped(plan: Plan) -> None:
    odd = make_plan(build_site(3, 1), build_cluster([pool("a<b", 3)], [etcd("x&y", "a<b")]))
    ElementTree.fromstring(elevation_svg(odd))


def test_each_rack_can_be_drawn_alone(plan: Plan) -> None:
    drawings = rack_svgs(plan)
    assert list(drawings) == ["r1", "r2", "r3"]
    assert "r2-h1" in drawings["r2"]
    assert "r1-h1" not in drawings["r2"]


def test_document_is_json(plan: Plan) -> None:
    document = plan_document(plan, changes=changes(plan, None))
    assert json.loads(json.dumps(document)) == json.loads(json.dumps(document, default=str))
    assert document["hosts"]["r1-h1"]["members"] == ["config-store/member-1"]
    assert document["engines"]["sessions"]["members"][0]["ports"][0]["number"] == 6379
    assert document["cells"][0]["certificates"]["r1-h1"]["common_name"] == "r1-h1.lab.internal"
    assert document["changes"]["whole"] == ["config-store", "sessions"]


def test_everything_is_new_when_nothing_is_deployed(plan: Plan) -> None:
    assert changes(plan, None).summary() == "+ 9 hosts, + 2 engines"


def test_nothing_changes_against_itself(plan: Plan) -> None:
    found = changes(plan, _deployed(plan))
    assert found.summary() == "none"
    assert (found.new, found.changed, found.goes, found.moves) == ((), (), (), ())


def test_a_larger_memory_restarts_every_member(plan: Plan) -> None:
    before = _deployed(plan)
    for cell in ("sessions-r1", "sessions-r2", "sessions-r3"):
        for state in before[cell].values():
            state["variables"]["redis_memory_bytes"] = 128 * 2**20
    found = changes(plan, before)
    assert {entry.reasons for entry in found.changed} == {("memory: 128 MiB → 256 MiB",)}
    assert all(entry.restart for entry in found.changed)
    assert found.summary() == "~ 6 members, 6 restarts"


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("etcd_snapshot_keep_seconds", 60, "snapshot_keep_seconds: 60 → 1209600"),
        ("etcd_members", [], "members: 3 new"),
    ],
)
def test_what_needs_no_restart_says_so(plan: Plan, variable: str, value: Any, reason: str) -> None:
    before = _deployed(plan)
    before["config-store-r1"]["r1-h1"]["variables"][variable] = value
    (entry,) = changes(plan, before).changed
    assert (entry.reasons, entry.restart) == ((reason,), False)


def test_what_is_no_longer_planned_goes(plan: Plan) -> None:
    before = _deployed(plan)
    before["old-r1"] = {"r1-h2": {}}
    assert [(entry.layer, entry.host) for entry in changes(plan, before).goes] == [("old-r1", "r1-h2")]


def test_artifacts_come_from_the_caller(plan: Plan) -> None:
    assert "artifacts: 3 files, 20 MB" in plan_table(plan, artifacts="3 files, 20 MB")

"""What a plan must have for a control to apply."""

from __future__ import annotations

from pathlib import Path

import pytest
from spec_shape import write_spec

from greenfield.plan import Plan, make_plan
from greenfield.spec import load
from greenfield.verify.applicable import NEEDS, lacking, spare_racks

LOSS = "acceptLoss: [rack, feed, tor, host]"
PLANE = f'k8s: {{kind: kubernetes, version: "1.35", pool: all, members: MEMBERS, quota: 256MiB, {LOSS}STORE}}'
WORKERS = 'nodes: {kind: kubernetes-workers, version: "1.35", pool: more, controlPlane: k8s, nodes: 1}'
STORE = f'kv: {{kind: etcd, version: "3.6", pool: more, members: 1, quota: 256MiB, {LOSS}}}'


def _plan(tmp_path: Path, *, members: int = 1, workers: bool = False, store: bool = False) -> Plan:
    tmp_path.mkdir(exist_ok=True)
    write_spec(tmp_path)
    plane = PLANE.replace("MEMBERS", str(members)).replace("STORE", ", etcd: kv" if store else "")
    engines = [plane, *([WORKERS] if workers else []), *([STORE] if store else [])]
    (tmp_path / "cluster.yaml").write_text(
        "apiVersion: greenfield/v1\nkind: Cluster\nmetadata: {name: tiny}\nspec:\n  site: tiny\n  standard: tiny\n"
        f"  nodePools:\n    all: {{hardware: small, count: {members}}}\n"
        + ("    more: {hardware: small, count: 1}\n" if workers or store else "")
        + "  engines:\n"
        + "".join(f"    {engine}\n" for engine in engines)
    )
    cluster, site = load([tmp_path]).cluster()
    return make_plan(site, cluster)


def test_a_control_plane_alone_has_no_workers_and_a_single_node(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    assert lacking(plan, "k8s", "workers") == "the spec gives k8s no workers"
    assert lacking(plan, "k8s", "another-node") == "k8s has a single node"
    assert lacking(plan, "k8s", "spare-rack") == "every rack of k8s is one that it can't go on without"
    assert lacking(plan, "k8s", "another-member") == "k8s has a single member, whose loss the spec accepts (acceptLoss)"
    assert lacking(plan, "k8s", "own-store") == ""


def test_members_are_nodes_too_but_no_workers(tmp_path: Path) -> None:
    plan = _plan(tmp_path, members=3)
    found = {need for need in NEEDS if lacking(plan, "k8s", need)}
    assert found == {"workers"}


def test_with_workers_everything_but_the_loss_of_the_only_member_applies(tmp_path: Path) -> None:
    plan = _plan(tmp_path, workers=True)
    assert [need for need in NEEDS if lacking(plan, "k8s", need)] == ["another-member"]


def test_a_rack_can_be_spared_when_most_members_and_the_first_are_elsewhere(tmp_path: Path) -> None:
    assert spare_racks(_plan(tmp_path / "three", members=3), "k8s") == ("r3", "r2")
    assert spare_racks(_plan(tmp_path / "alone", workers=True), "k8s") == ("r2",)
    assert spare_racks(_plan(tmp_path / "single"), "k8s") == ()


def test_the_upkeep_of_a_store_elsewhere_is_judged_there(tmp_path: Path) -> None:
    plan = _plan(tmp_path, store=True)
    assert lacking(plan, "k8s", "own-store") == "k8s keeps its objects in kv, whose own controls (etcd) judge it"


def test_an_unknown_need_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        lacking(_plan(tmp_path), "k8s", "luck")

"""Desired state: what roles are told, and what a digest of it does and does not notice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lab_shape import build_cluster, build_site, etcd, pool, redis

from greenfield.model.cluster import Cluster
from greenfield.model.site import Site
from greenfield.plan import (
    Cell,
    Plan,
    cell_variables,
    certificate_subjects,
    engine_common,
    host_layer_common,
    host_variables,
    make_plan,
    placement_of,
)


def _cell(plan: Plan, name: str) -> Cell:
    return next(cell for cell in plan.cells if cell.name == name)


def _ports(plan: Plan, cell: str, host: str) -> dict[int, list[str]]:
    return {
        entry["port"]: entry["sources"] for entry in host_variables(plan, _cell(plan, cell), host)["baseline_ports"]
    }


def test_host_layer_has_the_variables_of_its_roles(plan: Plan) -> None:
    common = host_layer_common(plan, {"baseline_apt_key": "key"})
    own = host_variables(plan, _cell(plan, "host-data-r2"), "r2-h3")
    assert set(common) == {
        "greenfield_site",
        "greenfield_cluster",
        "greenfield_domain",
        "greenfield_mirror_url",
        "baseline_apt_key",
        "baseline_time_servers",
        "baseline_admin_networks",
        "baseline_access_user",
        "node_exporter_port",
    }
    assert own["baseline_sysctls"] == {"net.core.somaxconn": "1024", "vm.overcommit_memory": "1"}
    assert own["baseline_transparent_hugepage"] == "never"
    assert own["baseline_open_files"] == 10032
    assert own["baseline_address"] == own["node_exporter_address"] == "10.77.2.13"
    assert own["data_disk_disks"] == [
        {"name": "data", "by_id": "gf-GF203-data", "mount": "/data", "size_bytes": 4 * 2**30}
    ]


def test_ports_open_to_their_audience_only(plan: Plan) -> None:
    opened = _ports(plan, "host-control-r1", "r1-h1")
    assert opened == {
        22: ["10.77.0.0/24"],
        2379: ["10.77.0.0/22"],
        2380: ["10.77.1.11/32", "10.77.2.11/32", "10.77.3.11/32"],
        2381: ["10.77.0.0/24"],
        9100: ["10.77.0.0/24"],
    }


def test_many_peers_are_let_in_by_rack(cluster: Cluster) -> None:
    site = build_site(10, 10)
    wide = build_cluster([pool("data", 100)], [redis("cache", "data", shards=33, replicas=1)])
    plan = make_plan(site, wide)
    sources = _ports(plan, "host-data-r1", "r1-h1")[16379]
    assert sources == ["10.77.1.0/24", "10.77.2.0/23", "10.77.4.0/22", "10.77.8.0/23", "10.77.10.0/24"]


def test_peers_are_hosts_with_a_shared_engine(plan: Plan) -> None:
    peers = host_variables(plan, _cell(plan, "host-control-r2"), "r2-h1")["baseline_peers"]
    assert [peer["name"] for peer in peers] == ["r1-h1", "r2-h1", "r3-h1"]


def test_a_host_added_elsewhere_changes_no_variable(cluster: Cluster) -> None:
    before = make_plan(build_site(3, 4), cluster)
    pools = {**cluster.node_pools, "more": pool("more", 3)}
    after = make_plan(build_site(3, 4), replace(cluster, node_pools=pools), placement_of(before))
    for cell in before.cells:
        assert cell_variables(after, cell) == cell_variables(before, cell)


def test_cell_variables_are_the_same_told_once(plan: Plan) -> None:
    for cell in plan.cells:
        common = host_layer_common(plan) if cell.layer == "host" else engine_common(plan, cell.layer)
        shared, own = cell_variables(plan, cell)
        for host in cell.hosts:
            assert {**shared, **own[host]} == {**common, **host_variables(plan, cell, host)}
    shared, own = cell_variables(plan, _cell(plan, "host-data-r1"))
    assert set(own["r1-h2"]) == {"baseline_address", "data_disk_disks", "node_exporter_address"}


def test_engine_variables_follow_the_role(plan: Plan) -> None:
    store = engine_common(plan, "config-store", {"etcd_files": []})
    assert store["etcd_members"][0] == {"name": "member-1", "host": "r1-h1", "address": "10.77.1.11"}
    assert store["etcd_files"] == []
    assert store["etcd_snapshot_keep_seconds"] == 14 * 86400
    cache = engine_common(plan, "sessions")
    assert cache["redis_members"][3] == {
        "name": "shard-1-b",
        "host": "r2-h3",
        "address": "10.77.2.13",
        "group": "shard-1",
        "role": "replica",
    }
    assert host_variables(plan, _cell(plan, "sessions-r2"), "r2-h3") == {
        "redis_member": "shard-1-b",
        "redis_address": "10.77.2.13",
    }


def test_a_host_of_another_cell_is_refused(plan: Plan) -> None:
    with pytest.raises(KeyError, match="r1-h1 is not in cell sessions-r2"):
        host_variables(plan, _cell(plan, "sessions-r2"), "r1-h1")


def test_certificates_of_hosts_and_members(plan: Plan, site: Site) -> None:
    host = certificate_subjects(plan, _cell(plan, "host-control-r1"))["r1-h1"]
    assert (host.common_name, host.dns, host.addresses, host.usages) == (
        "r1-h1.lab.internal",
        ("r1-h1", "r1-h1.lab.internal"),
        ("10.77.1.11",),
        ("server",),
    )
    member = certificate_subjects(plan, _cell(plan, "config-store-r1"))["r1-h1"]
    assert member.common_name == "config-store"
    assert member.dns == ("r1-h1", "r1-h1.lab.internal", "localhost")
    assert member.addresses == ("10.77.1.11", "127.0.0.1")
    assert member.usages == ("server", "client")


def test_a_second_disk_is_mounted_below_data(site: Site) -> None:
    small = site.hardware["small"]
    logs = replace(small.disks["data"], name="logs", by_id="log-{host}")
    wider = replace(site, hardware={"small": replace(small, disks={**small.disks, "logs": logs})})
    plan = make_plan(wider, build_cluster([pool("control", 3, 1)], [etcd("kv", "control")]))
    disks = host_variables(plan, plan.cells[0], "r1-h1")["data_disk_disks"]
    assert [(disk["mount"], disk["by_id"]) for disk in disks] == [
        ("/data", "gf-GF101-data"),
        ("/data/logs", "log-r1-h1"),
    ]

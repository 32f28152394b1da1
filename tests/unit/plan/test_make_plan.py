"""The plan of the example's shape: who stands where, and what is kept when the site grows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lab_shape import build_cluster, build_site, etcd, pool, redis

from greenfield.errors import PlanError
from greenfield.model.cluster import Cluster
from greenfield.model.site import Site
from greenfield.plan import make_plan, placement_of


def test_members_of_a_group_stand_in_different_racks(site: Site, cluster: Cluster) -> None:
    plan = make_plan(site, cluster)
    where = {member.slot.name: member.host for member in plan.members}
    assert where == {
        "member-1": "r1-h1",
        "member-2": "r2-h1",
        "member-3": "r3-h1",
        "shard-1-a": "r1-h2",
        "shard-2-a": "r2-h2",
        "shard-3-a": "r3-h2",
        "shard-1-b": "r2-h3",
        "shard-2-b": "r3-h3",
        "shard-3-b": "r1-h3",
    }


def test_cells_are_layers_by_pool_and_rack(site: Site, cluster: Cluster) -> None:
    cells = {cell.name: cell for cell in make_plan(site, cluster).cells}
    assert list(cells) == [
        *(f"host-{pool_name}-r{rack}" for pool_name in ("control", "data") for rack in (1, 2, 3)),
        *(f"{engine}-r{rack}" for engine in ("config-store", "sessions") for rack in (1, 2, 3)),
    ]
    assert cells["sessions-r2"].hosts == ("r2-h2", "r2-h3")
    assert cells["sessions-r2"].roles == ("redis",)


def test_what_stands_is_kept_when_hosts_are_added_before_it(site: Site, cluster: Cluster) -> None:
    plan = make_plan(site, cluster)
    grown = build_site(4, 5)
    grown = replace(grown, hosts=dict(reversed(grown.hosts.items())))
    again = make_plan(grown, cluster, placement_of(plan))
    assert placement_of(again) == placement_of(plan)


def test_a_member_whose_host_left_the_site_moves_alone(site: Site, cluster: Cluster) -> None:
    plan = make_plan(site, cluster)
    spare = build_site(3, 4)
    without = replace(spare, hosts={name: host for name, host in spare.hosts.items() if name != "r2-h1"})
    again = make_plan(without, cluster, placement_of(plan))
    before = {(m.engine, m.slot.name): m.host for m in plan.members}
    after = {(m.engine, m.slot.name): m.host for m in again.members}
    assert {key: host for key, host in after.items() if before[key] != host} == {("config-store", "member-2"): "r2-h4"}


def test_a_quarantined_host_keeps_its_place_and_is_marked(site: Site, cluster: Cluster) -> None:
    plan = make_plan(site, cluster, quarantine=frozenset({"r2-h1"}))
    assert plan.quarantine == {"r2-h1"}
    marked = {cell.name: cell.quarantined for cell in plan.cells if cell.quarantined}
    # With nine hosts wanted of nine the host is still needed, but chosen last: it may change places with another.
    assert all(hosts == ("r2-h1",) for hosts in marked.values())
    assert len(marked) == 2


def test_a_host_in_quarantine_that_an_engine_is_to_leave_stays_in_its_cell(site: Site, cluster: Cluster) -> None:
    before = placement_of(make_plan(site, cluster))
    had = {**before.engines["config-store"], "member-9": "r3-h3"}
    standing = replace(before, engines={**before.engines, "config-store": had}, versions={"config-store": ("3.6",)})
    for quarantine, marked in ((frozenset[str](), ()), (frozenset({"r3-h3"}), ("r3-h3",))):
        plan = make_plan(site, cluster, standing, quarantine)
        assert plan.leaving == {"config-store": ("r3-h3",)}
        (cell,) = [each for each in plan.cells if each.name == "config-store-r3"]
        assert "r3-h3" not in cell.hosts
        assert cell.quarantined == marked
    assert make_plan(site, cluster, replace(before, versions=standing.versions)).leaving == {}


def test_new_work_avoids_a_quarantined_host() -> None:
    cluster = build_cluster([pool("control", 3, 1)], [etcd("kv", "control")])
    plan = make_plan(build_site(3, 2), cluster, quarantine=frozenset({"r2-h1"}))
    assert plan.pools["control"] == ("r1-h1", "r2-h2", "r3-h1")


def test_every_error_is_reported_at_once(site: Site) -> None:
    cluster = build_cluster(
        [pool("control", 3, 1), pool("data", 9, 2)], [etcd("kv", "control", members=5), redis("cache", "data")]
    )
    with pytest.raises(PlanError) as caught:
        make_plan(site, cluster)
    rules = [problem.rule for problem in caught.value.problems]
    assert rules == ["pool-not-filled", "too-few-failure-domains"]
    domains = caught.value.problems[1]
    assert domains.path == ("Cluster", "orders", "spec", "engines", "kv", "members")
    assert domains.message == ('5 members need 5 failure domains (racks); pool "control" has hosts in 3: r1, r2, r3')
    assert domains.fix == "members: 3, or add racks"


def test_primaries_spread_so_that_a_rack_never_takes_a_majority() -> None:
    cluster = build_cluster([pool("data", 18)], [redis("cache", "data", shards=9)])
    plan = make_plan(build_site(3, 6), cluster)
    racks = [plan.site.hosts[m.host].rack for m in plan.members if m.slot.role == "primary"]
    assert sorted(racks.count(rack) for rack in ("r1", "r2", "r3")) == [3, 3, 3]


def test_a_lost_host_is_replaced_where_its_members_may_stand() -> None:
    site = build_site(3, 4)
    uneven = {name: site.hosts[name] for name in ("r1-h1", "r1-h2", "r1-h3", "r2-h1", "r2-h2", "r3-h1")}
    cluster = build_cluster([pool("data", 6)], [redis("cache", "data")])
    plan = make_plan(replace(site, hosts=uneven), cluster)
    mate = next(member for member in plan.members if member.host == "r3-h1")
    lost = next(m for m in plan.members if m.slot.group == mate.slot.group and m.host != "r3-h1")
    assert lost.host.startswith("r1")
    # Rack r3 has the fewest hosts, but holds the other member of the shard.
    hosts = {name: host for name, host in uneven.items() if name != lost.host}
    hosts |= {name: site.hosts[name] for name in ("r1-h4", "r3-h2")}
    again = make_plan(replace(site, hosts=hosts), cluster, placement_of(plan))
    assert [m.host for m in again.members if m.slot.name == lost.slot.name] == ["r1-h4"]


def test_an_unknown_host_can_not_be_quarantined(site: Site, cluster: Cluster) -> None:
    with pytest.raises(PlanError, match="site lab has no host r2-h99 to quarantine"):
        make_plan(site, cluster, quarantine=frozenset({"r2-h1", "r2-h99"}))

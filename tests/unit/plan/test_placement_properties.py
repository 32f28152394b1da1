"""What placement promises, on sites and clusters nobody thought of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lab_shape import GIB, build_cluster, build_site, etcd, pool, redis

from greenfield.model.cluster import Cluster
from greenfield.model.site import Host, Site
from greenfield.plan import Plan, check, make_plan, placement_of
from greenfield.plan.ledger import reserve_bytes

ENOUGH = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@st.composite
def _sites(draw: st.DrawFn) -> Site:
    site = build_site(draw(st.integers(3, 7)), draw(st.integers(1, 6)))
    keep = draw(st.lists(st.booleans(), min_size=len(site.hosts), max_size=len(site.hosts)))
    hosts = {name: host for (name, host), kept in zip(site.hosts.items(), keep, strict=True) if kept or host.unit == 1}
    return replace(site, hosts=hosts)


@st.composite
def _clusters(draw: st.DrawFn) -> Cluster:
    at_most = draw(st.one_of(st.none(), st.integers(1, 4)))
    one = pool("one", draw(st.integers(3, 14)), at_most)
    two = pool("two", draw(st.integers(3, 8)), draw(st.one_of(st.none(), st.integers(1, 3))))
    engines = [
        etcd("kv", draw(st.sampled_from(["one", "two"])), members=draw(st.sampled_from([3, 5]))),
        redis("cache", "one", shards=draw(st.integers(3, 5)), replicas=draw(st.integers(1, 2))),
    ]
    if draw(st.booleans()):
        engines.append(redis("sessions", draw(st.sampled_from(["one", "two"]))))
    return build_cluster([one, two], engines)


def _plan_or_none(site: Site, cluster: Cluster) -> Plan | None:
    return None if any(p.severity == "error" for p in check(site, cluster)) else make_plan(site, cluster)


def _placed(plan: Plan) -> dict[tuple[str, str], str]:
    return {(member.engine, member.slot.name): member.host for member in plan.members}


@ENOUGH
@given(_sites(), _clusters())
def test_the_same_input_gives_the_same_outcome(site: Site, cluster: Cluster) -> None:
    assert check(site, cluster) == check(site, cluster)
    plan = _plan_or_none(site, cluster)
    assert plan is None or plan == make_plan(site, cluster)


@ENOUGH
@given(_sites(), _clusters())
def test_constraints_hold(site: Site, cluster: Cluster) -> None:
    plan = _plan_or_none(site, cluster)
    assume(plan is not None)
    assert plan is not None
    taken = [host for hosts in plan.pools.values() for host in hosts]
    assert len(taken) == len(set(taken))
    for name, hosts in plan.pools.items():
        asked = cluster.node_pools[name]
        assert len(hosts) == asked.count
        racks = Counter(site.hosts[host].rack for host in hosts)
        assert asked.spread is None or max(racks.values()) <= asked.spread.at_most
    for engine, members in plan.by_engine.items():
        assert {member.host for member in members} <= set(plan.pools[cluster.engines[engine].pool])
        assert len({member.host for member in members}) == len(members)
    for host in plan.hosts.values():
        ports = [port.number for member in host.members for port in member.slot.ports]
        assert len(ports) == len(set(ports))
        assert host.memory_used_bytes <= host.memory_bytes - reserve_bytes(host.memory_bytes)
        assert host.disk_used_bytes <= host.disk_bytes
    assert not [loss for loss in plan.losses if loss.groups_lost and not loss.accepted]


@ENOUGH
@given(_sites(), _clusters())
def test_members_of_a_group_never_share_a_rack(site: Site, cluster: Cluster) -> None:
    plan = _plan_or_none(site, cluster)
    assume(plan is not None)
    assert plan is not None
    where = Counter((member.engine, member.slot.group, site.hosts[member.host].rack) for member in plan.members)
    assert max(where.values()) == 1


@ENOUGH
@given(_sites(), _clusters(), st.data())
def test_adding_hosts_moves_nothing(site: Site, cluster: Cluster, data: st.DataObject) -> None:
    plan = _plan_or_none(site, cluster)
    assume(plan is not None)
    assert plan is not None
    more = build_site(8, 8)
    added = {name: host for name, host in more.hosts.items() if name not in site.hosts}
    hosts = dict(data.draw(st.permutations(list({**site.hosts, **added}.items()))))
    again = make_plan(replace(more, hosts=hosts), cluster, placement_of(plan))
    assert _placed(again) == _placed(plan)
    assert placement_of(again) == placement_of(plan)


@ENOUGH
@given(_sites(), _clusters(), st.data())
def test_only_members_of_a_lost_host_move(site: Site, cluster: Cluster, data: st.DataObject) -> None:
    plan = _plan_or_none(site, cluster)
    assume(plan is not None)
    assert plan is not None
    gone = data.draw(st.sampled_from(sorted(plan.hosts)))
    grown = build_site(8, 8)
    hosts: Mapping[str, Host] = {name: host for name, host in grown.hosts.items() if name != gone}
    again = make_plan(replace(grown, hosts=hosts), cluster, placement_of(plan))
    before, after = _placed(plan), _placed(again)
    assert {key for key in before if before[key] != after[key]} == {key for key, host in before.items() if host == gone}


@ENOUGH
@given(st.lists(st.integers(0, 6), min_size=3, max_size=6), st.integers(3, 6), st.integers(1, 2))
def test_a_placement_is_found_whenever_there_is_one(room: list[int], shards: int, replicas: int) -> None:
    """Groups of equal size fit exactly if the racks, each counted up to the number of groups, have room for all."""
    site = build_site(len(room), max(room, default=1) or 1)
    hosts = {name: host for name, host in site.hosts.items() if host.unit <= room[int(host.rack[1:]) - 1]}
    assume(sum(room) >= 1)
    cluster = build_cluster([pool("data", len(hosts))], [redis("cache", "data", shards=shards, replicas=replicas)])
    found = check(replace(site, hosts=hosts), cluster)
    possible = sum(min(each, shards) for each in room) >= shards * (replicas + 1)
    unplaced = {"too-few-failure-domains", "too-few-hosts", "racks-too-uneven"}
    assert possible == (not {problem.rule for problem in found} & unplaced)


@ENOUGH
@given(st.integers(3, 9), st.integers(3, 9))
def test_racks_are_filled_evenly(racks: int, shards: int) -> None:
    cluster = build_cluster([pool("data", racks * 8)], [redis("cache", "data", shards=shards, memory_bytes=GIB // 4)])
    site = build_site(racks, 8)
    plan = _plan_or_none(site, cluster)
    assume(plan is not None)
    assert plan is not None
    for role in ("primary", None):
        members = [member for member in plan.members if role is None or member.slot.role == role]
        count = Counter(site.hosts[member.host].rack for member in members)
        assert max(count.values()) - min(count[rack] for rack in site.racks) <= 1

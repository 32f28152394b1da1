"""What the plan is told of engine kinds."""

from __future__ import annotations

from typing import Any

import pytest

from greenfield.engines import ENGINES
from greenfield.engines.descriptor import no_capacity
from greenfield.model.cluster import DataProtection, Demand, EngineSpec

MIB = 2**20
PROTECTION = DataProtection("platform", "internal", 3600, 1800, 14 * 86400)


def _etcd(**changes: Any) -> EngineSpec:
    options = {"members": 3, "quota_bytes": 512 * MIB, "heartbeat_seconds": 0.1, "election_seconds": 1.0, **changes}
    return EngineSpec("kv", "etcd", "3.6", "control", options, PROTECTION)


def _redis(demand: Demand | None = None, **changes: Any) -> EngineSpec:
    options = {
        "shards": 3,
        "replicas": 1,
        "memory_bytes": 256 * MIB,
        "memory_policy": "noeviction",
        "node_timeout_seconds": 5.0,
        "append_fsync": "everysec",
        **changes,
    }
    return EngineSpec("cache", "redis", "7.0", "data", options, None, demand=demand or Demand())


@pytest.mark.parametrize("engine", [_etcd(), _redis()])
def test_slots_have_unique_names_and_reach_their_quorum(engine: EngineSpec) -> None:
    slots = ENGINES[engine.kind].slots(engine)
    assert len({slot.name for slot in slots}) == len(slots)
    for group in {slot.group for slot in slots}:
        members = [slot for slot in slots if slot.group == group]
        assert {slot.quorum for slot in members} <= set(range(1, len(members) + 1))


@pytest.mark.parametrize(("members", "quorum"), [(1, 1), (3, 2), (5, 3), (7, 4)])
def test_etcd_needs_a_majority(members: int, quorum: int) -> None:
    assert {slot.quorum for slot in ENGINES["etcd"].slots(_etcd(members=members))} == {quorum}


def test_etcd_of_an_even_number_is_an_error() -> None:
    (problem,) = ENGINES["etcd"].check(_etcd(members=4))
    assert (problem.path, problem.rule, problem.fix) == (("members",), "even-quorum", "members: 3 or 5")
    assert not ENGINES["etcd"].check(_etcd())


def test_redis_of_two_shards_is_an_error() -> None:
    (problem,) = ENGINES["redis"].check(_redis(shards=2))
    assert (problem.path, problem.rule) == (("shards",), "too-few-shards")


def test_redis_primaries_are_an_electorate_and_replicas_are_not() -> None:
    slots = ENGINES["redis"].slots(_redis())
    assert {(slot.role, slot.electorate) for slot in slots} == {("primary", "primaries"), ("replica", "")}


@pytest.mark.parametrize(
    ("kind", "domains", "setting"),
    [("etcd", 4, "members: 3"), ("etcd", 3, "members: 3"), ("etcd", 0, ""), ("redis", 3, "replicas: 2")],
)
def test_what_fewer_failure_domains_allow(kind: str, domains: int, setting: str) -> None:
    assert ENGINES[kind].fewer(domains)[1] == setting


def test_redis_counts_the_memory_of_primaries_only() -> None:
    capacity = ENGINES["redis"].capacity(_redis(Demand(items=1e6, item_bytes=100)))
    assert capacity is not None
    assert (capacity.needed_bytes, capacity.limit_bytes) == (200e6, 3 * 256 * MIB)


def test_no_demand_no_capacity() -> None:
    assert ENGINES["redis"].capacity(_redis()) is None
    assert ENGINES["etcd"].capacity(_etcd()) is None
    assert no_capacity(_etcd()) is None


def test_etcd_snapshots_follow_the_data_protection() -> None:
    variables = ENGINES["etcd"].variables(_etcd())
    assert variables["snapshot_interval_seconds"] == PROTECTION.rpo_seconds
    assert variables["snapshot_keep_seconds"] == PROTECTION.retention_seconds
    assert variables["heartbeat_ms"] == 100

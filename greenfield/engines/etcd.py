"""etcd: a quorum key-value store. One group of an odd number of members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from greenfield.engines.descriptor import Capacity, EngineKind, HostSettings, Port, Slot
from greenfield.engines.version_path import VersionPath
from greenfield.model.cluster import EngineSpec
from greenfield.model.problem import Problem

CLIENT_PORT = 2379
PEER_PORT = 2380
METRICS_PORT = 2381

BASE_MEMORY_BYTES = 128 * 2**20
"""Of a member with an empty store; measured about 40 MiB resident, with room for watchers and compaction."""

SNAPSHOT_COPIES = 2
"""A snapshot and the one being written, beside the store and its WAL."""

ITEM_OVERHEAD_BYTES = 150
"""Of a key beside its value: key, revision and version in the store (etcd, "Data model")."""

PAGE_FILL = 0.5
"""bbolt splits a full page in two, so that keys written in no order leave pages half full."""


LONGEST_ELECTION_SECONDS = 50
"""The longest election timeout that the server takes."""


def _slots(engine: EngineSpec) -> Sequence[Slot]:
    members = int(engine.options["members"])
    quota = int(engine.options["quota_bytes"])
    ports = (
        Port(CLIENT_PORT, "client", "clients"),
        Port(PEER_PORT, "peer", "peers"),
        Port(METRICS_PORT, "metrics", "admin"),
    )
    return [
        Slot(
            name=f"member-{index}",
            group="quorum",
            quorum=members // 2 + 1,
            # The store is memory-mapped whole: docs/op-guide/hardware of etcd.
            memory_bytes=BASE_MEMORY_BYTES + quota,
            disk_bytes=quota * (1 + SNAPSHOT_COPIES),
            ports=ports,
            directories=(f"/data/{engine.name}",),
            role="member",
        )
        for index in range(1, members + 1)
    ]


def _check(engine: EngineSpec) -> Sequence[Problem]:
    members = int(engine.options["members"])
    heartbeat, election = engine.options["heartbeat_seconds"], engine.options["election_seconds"]
    problems = []
    if members % 2 == 0:
        problems.append(
            Problem(
                ("members",),
                f"{members} members tolerate no more failures than {members - 1} and need a larger quorum",
                f"members: {members - 1} or {members + 1}",
                "even-quorum",
            )
        )
    # The server itself refuses to start otherwise.
    if not 5 * heartbeat <= election <= LONGEST_ELECTION_SECONDS:
        problems.append(
            Problem(
                ("election",),
                f"an election after {election:g} s does not go with a heartbeat every {heartbeat:g} s",
                f"from five heartbeats ({5 * heartbeat:g}s) to {LONGEST_ELECTION_SECONDS}s",
                "election-timeout",
            )
        )
    return problems


def _fewer(domains: int) -> tuple[str, str]:
    odd = domains - (domains % 2 == 0)
    return "members", f"members: {odd}" if odd > 0 else ""


def _variables(engine: EngineSpec) -> dict[str, Any]:
    options = engine.options
    protection = engine.data_protection
    return {
        "quota_bytes": int(options["quota_bytes"]),
        "heartbeat_ms": int(options["heartbeat_seconds"] * 1000),
        "election_ms": int(options["election_seconds"] * 1000),
        "snapshot_interval_seconds": protection.rpo_seconds if protection else 3600,
        "snapshot_keep_seconds": protection.retention_seconds if protection else 7 * 86400,
        "client_port": CLIENT_PORT,
        "peer_port": PEER_PORT,
        "metrics_port": METRICS_PORT,
    }


def _capacity(engine: EngineSpec) -> Capacity | None:
    demand = engine.demand
    if not demand.items:
        return None
    needed = demand.items * (demand.item_bytes + ITEM_OVERHEAD_BYTES) / PAGE_FILL
    return Capacity(needed, float(engine.options["quota_bytes"]), "quota")


# etcd.io, "Upgrading etcd clusters and applications": each guide goes from one minor version to the next. Going back is
# another matter: members of the version before refuse a cluster that no `etcdctl downgrade enable` has prepared for
# them (etcd.io, "Downgrade etcd from v3.6 to v3.5"), and the role does not do that.
VERSION_PATH = VersionPath(
    product="etcd",
    every_minor=True,
    no_way_back="a member of an older version refuses the data of a newer one",
    way_back="the way back is to restore a snapshot taken before the upgrade into a new engine of that version",
)

ETCD = EngineKind(
    name="etcd",
    versions=("3.6",),
    role="etcd",
    fetches_files=True,
    one_by_one=True,
    version_path=VERSION_PATH,
    slots=_slots,
    host_settings=lambda engine: HostSettings(sysctls={}, open_files=16384),
    artifacts=lambda version: (f"etcd-{version}",),
    check=_check,
    variables=_variables,
    fewer=_fewer,
    capacity=_capacity,
    live=frozenset({"members", "snapshot_interval_seconds", "snapshot_keep_seconds"}),
)

"""Redis Cluster: shards of one primary and its replicas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from greenfield.engines.descriptor import Capacity, EngineKind, HostSettings, Port, Slot
from greenfield.engines.version_path import VersionPath
from greenfield.model.cluster import EngineSpec
from greenfield.model.problem import Problem

PORT = 6379
BUS_PORT = PORT + 10000

FORK_HEADROOM = 1.5
"""Resident memory over maxmemory: copy-on-write while a snapshot is written, fragmentation, client buffers
(redis.io, "Redis administration": leave room for fork)."""

DISK_PER_MEMORY = 5
"""An RDB file, an append-only file and the one being rewritten (redis.io, "Redis persistence"), and backups, which the
role keeps within twice the memory."""

ITEM_OVERHEAD_BYTES = 100
"""Of an item beside its value: dictionary entry, key, object header, expiry (about 100 B with a short key)."""

MEMBER_LETTERS = "abcdefgh"


def _slots(engine: EngineSpec) -> Sequence[Slot]:
    shards = int(engine.options["shards"])
    replicas = int(engine.options["replicas"])
    memory = int(engine.options["memory_bytes"])
    ports = (Port(PORT, "client", "clients"), Port(BUS_PORT, "cluster bus", "peers"))
    return [
        Slot(
            name=f"shard-{shard}-{MEMBER_LETTERS[copy]}",
            group=f"shard-{shard}",
            quorum=1,
            memory_bytes=int(memory * FORK_HEADROOM),
            disk_bytes=memory * DISK_PER_MEMORY,
            ports=ports,
            directories=(f"/data/{engine.name}",),
            role="primary" if copy == 0 else "replica",
            # A replica is promoted by a majority of the primaries (redis.io, "Redis cluster specification").
            electorate="primaries" if copy == 0 else "",
        )
        for copy in range(replicas + 1)
        for shard in range(1, shards + 1)
    ]


def _check(engine: EngineSpec) -> Sequence[Problem]:
    if int(engine.options["shards"]) < 3:
        return [
            Problem(
                ("shards",),
                f"{engine.options['shards']} shards can't elect: a majority of primaries must vote on a failed one",
                "shards: 3 or more",
                "too-few-shards",
            )
        ]
    return []


def _fewer(domains: int) -> tuple[str, str]:
    return "replicas", f"replicas: {domains - 1}" if domains else ""


def _variables(engine: EngineSpec) -> dict[str, Any]:
    options = engine.options
    protection = engine.data_protection
    return {
        "shards": int(options["shards"]),
        "replicas": int(options["replicas"]),
        "memory_bytes": int(options["memory_bytes"]),
        "memory_policy": str(options["memory_policy"]),
        "node_timeout_ms": int(options["node_timeout_seconds"] * 1000),
        "append_fsync": str(options["append_fsync"]),
        "backup_interval_seconds": protection.rpo_seconds if protection else 3600,
        "backup_keep_seconds": protection.retention_seconds if protection else 7 * 86400,
        "port": PORT,
        "bus_port": BUS_PORT,
    }


def _capacity(engine: EngineSpec) -> Capacity | None:
    demand = engine.demand
    if not demand.items:
        return None
    # Replicas hold copies, so only the primaries' memory counts.
    limit = int(engine.options["shards"]) * int(engine.options["memory_bytes"])
    return Capacity(demand.items * (demand.item_bytes + ITEM_OVERHEAD_BYTES), float(limit), "memory")


# A replica of a newer version reads the file of its older primary, never the other way round: a server refuses an RDB
# file whose header names a format newer than its own (Redis, src/rdb.c: "Can't handle RDB format version").
VERSION_PATH = VersionPath(
    product="Redis",
    no_way_back="an older server can't read the files of a newer one",
    way_back="the way back is to restore a backup taken before the upgrade into a new engine of that version",
)

REDIS = EngineKind(
    name="redis",
    versions=("7.0",),
    role="redis",
    version_path=VERSION_PATH,
    password_users=("admin", "app", "replication", "metrics"),
    slots=_slots,
    # vm.overcommit_memory, somaxconn and THP: redis.io, "Redis administration", and the server's own start-up warnings.
    host_settings=lambda engine: HostSettings(
        sysctls={"vm.overcommit_memory": "1", "net.core.somaxconn": "1024"},
        transparent_hugepage="never",
        open_files=10032,
    ),
    artifacts=lambda version: (f"redis-{version}",),
    check=_check,
    variables=_variables,
    member_fields=("group", "role"),
    fewer=_fewer,
    capacity=_capacity,
)

"""Batches and gates for tests of rollouts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from cell_shape import Hosts

from greenfield.configure import Connection, Target
from greenfield.provider.gate import Gate
from greenfield.provider.rollout import Batch, Rollout

CONNECTION = Connection("ops", "/known_hosts")


def gate_of(*hosts: str) -> Gate:
    members = [{"name": f"m-{name}", "host": name} for name in hosts]
    return Gate("kv", "etcd", {"etcd_members": members}, tuple(Target(name, "10.0.0.1") for name in hosts))


def batch_of(cell: str, *hosts: str, **changes: Any) -> Batch:
    values: dict[str, Any] = {
        "urn": f"urn:{cell}",
        "cell": cell,
        "layer": "kv",
        "roles": ("etcd",),
        "targets": tuple(Target(name, "10.0.0.1", {"own": name}) for name in hosts),
        "connection": CONNECTION,
        "common": {"shared": 1},
        "gates": (),
    }
    return Batch(**{**values, **changes})


def standing_batch(cell: str, *hosts: str, gate: Gate | None = None, **changes: Any) -> Batch:
    """A batch of hosts that all stand well."""
    values = {"gates": (gate,) if gate else (), **changes}
    return batch_of(cell, *hosts, standing=frozenset(hosts), gated=True, **values)


def run_in_turn(hosts: Hosts, *batches: Batch) -> list[Any]:
    return run_together(hosts, batches, "in_turn")


def run_together(hosts: Hosts, batches: Sequence[Batch], how: str = "side_by_side") -> list[Any]:
    async def run() -> list[Any]:
        rollout = Rollout(hosts)
        return await asyncio.gather(*(getattr(rollout, how)(batch) for batch in batches), return_exceptions=True)

    return asyncio.run(run())

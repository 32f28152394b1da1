"""The plan as plain JSON values, for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from greenfield.plan.capacity import runways
from greenfield.plan.certificates import certificate_subjects
from greenfield.plan.changes import Changes
from greenfield.plan.cost import Cost
from greenfield.plan.desired import data_disks
from greenfield.plan.firewall import Audiences, ports
from greenfield.plan.plan import Member, Plan


def plan_document(
    plan: Plan, *, changes: Changes | None = None, artifacts: Any = None, costs: Iterable[Cost] = ()
) -> dict[str, Any]:
    """Everything a plan decides. Sizes are in bytes, power in watts, durations in seconds.

    Args:
        changes: against what is deployed; ``None`` when unknown.
        artifacts: JSON values about what hosts install, from whoever knows the mirror.
        costs: of the cluster's budgets.
    """
    audiences = Audiences(plan)
    return {
        "cluster": plan.cluster.name,
        "site": plan.site.name,
        "pools": {name: list(hosts) for name, hosts in plan.pools.items()},
        "hosts": {name: _host(plan, name, audiences) for name in plan.hosts},
        "engines": {name: _engine(plan, name) for name in plan.cluster.engines},
        "cells": [
            {**asdict(cell), "certificates": {h: asdict(s) for h, s in certificate_subjects(plan, cell).items()}}
            for cell in plan.cells
        ],
        "losses": [asdict(loss) for loss in plan.losses],
        "power": [asdict(entry) for entry in plan.power],
        "runways": [asdict(runway) for runway in runways(plan.cluster)],
        "costs": [asdict(entry) for entry in costs],
        "quarantine": sorted(plan.quarantine),
        "warnings": [asdict(problem) for problem in plan.warnings],
        "artifacts": artifacts,
        "changes": changes.as_json() if changes else None,
    }


def _host(plan: Plan, name: str, audiences: Audiences) -> dict[str, Any]:
    host = plan.hosts[name]
    return {
        "address": host.host.address,
        "rack": host.host.rack,
        "unit": host.host.unit,
        "pool": host.pool,
        "members": [f"{member.engine}/{member.slot.name}" for member in host.members],
        "memory_used_bytes": host.memory_used_bytes,
        "memory_bytes": host.memory_bytes,
        "disk_used_bytes": host.disk_used_bytes,
        "disk_bytes": host.disk_bytes,
        "disks": data_disks(plan.site, host.host),
        "ports": ports(plan, name, audiences),
    }


def _engine(plan: Plan, name: str) -> dict[str, Any]:
    engine = plan.cluster.engines[name]
    return {
        "kind": engine.kind,
        "version": engine.version,
        "pool": engine.pool,
        "members": [_member(member) for member in plan.members_of(name)],
    }


def _member(member: Member) -> dict[str, Any]:
    slot = member.slot
    return {
        "name": slot.name,
        "host": member.host,
        "group": slot.group,
        "role": slot.role,
        "memory_bytes": slot.memory_bytes,
        "disk_bytes": slot.disk_bytes,
        "disk": slot.disk,
        "directories": list(slot.directories),
        "ports": [asdict(port) for port in slot.ports],
    }

"""How the health of each engine is asked, so that the plugin can do so before and after it disturbs a member."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from greenfield.engines import ENGINES
from greenfield.model.packed import as_json, pack
from greenfield.plan import Plan, engine_common, host_variables

GATE_HOSTS = 3
"""A gate asks one member; two more stand by in case its host does not answer."""


def gates(plan: Plan, facts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Every engine's gate as JSON, by ``gate_name``: who is asked, and with which variables.

    They are kept once a cluster; cells name the ones they wait for.
    """
    return {gate_name(plan, engine): _gate(plan, engine, facts.get(engine, {})) for engine in plan.cluster.engines}


def gate_name(plan: Plan, engine: str) -> str:
    """The gate's name, its own also where a program declares several clusters."""
    return f"{plan.cluster.name}/{engine}"


def _gate(plan: Plan, engine: str, facts: Mapping[str, Any]) -> str:
    kind = ENGINES[plan.cluster.engines[engine].kind]
    targets = [{"name": host, **json.loads(text)} for host, text in members_of(plan, plan.head_of(engine)).items()]
    racks: dict[str, dict[str, Any]] = {}
    for target in targets:
        racks.setdefault(plan.site.hosts[target["name"]].rack, target)
    return as_json(
        {
            "engine": engine,
            "role": kind.role,
            "common": pack({**engine_common(plan, engine, facts), **without_quarantined(plan, engine)}),
            "targets": list(racks.values())[:GATE_HOSTS],
        }
    )


def members_of(plan: Plan, engine: str) -> dict[str, str]:
    """Host to JSON of address and variables, for every member of an engine that is not in quarantine."""
    cells = [cell for cell in plan.cells if cell.layer == engine]
    return {
        host: as_json({"address": plan.site.hosts[host].address, "variables": host_variables(plan, cell, host)})
        for cell in cells
        for host in cell.hosts
        if host not in cell.quarantined
    }


def without_quarantined(plan: Plan, engine: str) -> dict[str, Any]:
    """What tells an engine's role that members on hosts in quarantine need not be well."""
    down = [member.slot.name for member in plan.members_of(engine) if member.host in plan.quarantine]
    return {f"{ENGINES[plan.cluster.engines[engine].kind].role}_health_except": down} if down else {}

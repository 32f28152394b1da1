"""Inputs of cells and formations, from the plan.

Variables travel as JSON text: one string a host instead of a tree of
properties keeps preview of ten thousand hosts in seconds, and Pulumi shows differences inside JSON text all the same.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any, TypeVar

import pulumi

from greenfield import content
from greenfield.engines import ENGINES
from greenfield.plan import (
    HOST_LAYER,
    Cell,
    Plan,
    cell_variables,
    certificate_subjects,
    credentials,
    engine_common,
    host_variables,
)
from greenfield.resources.site import Site

T = TypeVar("T")

GATE_HOSTS = 3
"""A gate asks one member; two more stand by in case its host does not answer."""


def cell_inputs(site: Site, cell: Cell, facts: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Everything of a cell but its secrets and gates. ``facts`` is what the plan can't know of the layer."""
    plan = site.args.plan
    subjects = certificate_subjects(plan, cell)
    proofs = credentials(plan, cell)
    shared, own = cell_variables(plan, cell, facts)
    hosts = {
        host: _json(
            {
                "address": plan.site.hosts[host].address,
                "variables": own[host],
                "subject": asdict(subjects[host]),
                **({"credentials": proofs[host]} if host in proofs else {}),
            }
        )
        for host in cell.hosts
        if host not in cell.quarantined
    }
    pki = plan.cluster.pki
    return {
        "site": plan.site.name,
        "cell": cell.name,
        "layer": cell.layer,
        "pool": cell.pool,
        "rack": cell.rack,
        "roles": list(cell.roles),
        "content": roles_digest(cell.roles),
        "common": _json(shared),
        "hosts": hosts,
        "certificatePrefix": prefix,
        "authority": site.authority.pair,
        "lifetimeSeconds": pki.lifetime_seconds,
        "renewBeforeSeconds": pki.renew_before_seconds,
        "connection": site.connection,
        "quarantined": list(cell.quarantined),
    }


def members_of(plan: Plan, engine: str) -> dict[str, str]:
    """Host to JSON of address and variables, for every member of an engine that is not in quarantine."""
    cells = [cell for cell in plan.cells if cell.layer == engine]
    return {
        host: _json({"address": plan.site.hosts[host].address, "variables": host_variables(plan, cell, host)})
        for cell in cells
        for host in cell.hosts
        if host not in cell.quarantined
    }


def gates(plan: Plan, engines: list[str], facts: dict[str, dict[str, Any]]) -> str:
    """Gates of the named engines as JSON: who is asked, and with which variables."""
    return f"[{','.join(_gate(plan, engine, _json(facts.get(engine, {}))) for engine in engines)}]"


@lru_cache(maxsize=1024)
def _gate(plan: Plan, engine: str, facts: str) -> str:
    """One engine's gate; the same text for all cells of its hosts."""
    kind = ENGINES[plan.cluster.engines[engine].kind]
    targets = [{"name": host, **json.loads(text)} for host, text in members_of(plan, plan.head_of(engine)).items()]
    racks: dict[str, dict[str, Any]] = {}
    for target in targets:
        racks.setdefault(plan.site.hosts[target["name"]].rack, target)
    return _json(
        {
            "engine": engine,
            "role": kind.role,
            "common": {**engine_common(plan, engine, json.loads(facts)), **without_quarantined(plan, engine)},
            "targets": list(racks.values())[:GATE_HOSTS],
        }
    )


def without_quarantined(plan: Plan, engine: str) -> dict[str, Any]:
    """What tells an engine's role that members on hosts in quarantine need not be well."""
    down = [member.slot.name for member in plan.members_of(engine) if member.host in plan.quarantine]
    return {f"{ENGINES[plan.cluster.engines[engine].kind].role}_health_except": down} if down else {}


def roles_digest(roles: tuple[str, ...]) -> str:
    """Digest of the roles' content and of the modules they call."""
    return content.digest(*(content.roles() / role for role in roles), content.collections())


def engines_on(plan: Plan, cell: Cell) -> list[str]:
    """Engines with a member on the cell's hosts, in spec order; a host-layer change may disturb them."""
    found = {member.engine for host in cell.hosts for member in plan.hosts[host].members}
    return [name for name in plan.cluster.engines if name in found]


def host_layer_cells(plan: Plan, pool: str) -> list[Cell]:
    """The host layer's cells of a pool."""
    return [cell for cell in plan.cells if cell.layer == HOST_LAYER and cell.pool == pool]


def known(value: T) -> pulumi.Output[T]:
    """An output of a value that holds no outputs itself.

    ``Output.from_input`` makes a task of every item in it, which takes seconds for the hosts of a large site.
    """
    return pulumi.Output.from_input(None).apply(lambda _: value)


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))

"""Inputs of cells and formations, from the plan.

Variables travel as JSON text: one string a host instead of a tree of
properties keeps preview of ten thousand hosts in seconds, and Pulumi shows differences inside JSON text all the same.
"""

from __future__ import annotations

from typing import Any, TypeVar

import pulumi

from greenfield import content
from greenfield.model.packed import as_json, pack
from greenfield.plan import (
    HOST_LAYER,
    Cell,
    Plan,
    cell_variables,
    certificate_subjects,
    credentials,
)
from greenfield.resources.site import Site

T = TypeVar("T")


def cell_inputs(site: Site, cell: Cell, facts: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Everything of a cell but its secrets and gates; its authority is the site's unless the caller says otherwise.

    ``facts`` is what the plan can't know of the layer.
    """
    plan = site.args.plan
    subjects = certificate_subjects(plan, cell)
    proofs = credentials(plan, cell)
    shared, own = cell_variables(plan, cell, facts)
    hosts = {
        host: as_json(
            {
                "address": plan.site.hosts[host].address,
                "variables": own[host],
                "subject": subjects[host].as_json(),
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
        "content": content.roles_digest(cell.roles),
        "common": pack(shared),
        "hosts": hosts,
        "certificatePrefix": prefix,
        "authority": site.authority.pair,
        "lifetimeSeconds": pki.lifetime_seconds,
        "renewBeforeSeconds": pki.renew_before_seconds,
        "connection": site.connection,
        "quarantined": list(cell.quarantined),
        **_leaving(plan, cell),
    }


def _leaving(plan: Plan, cell: Cell) -> dict[str, list[str]]:
    """What keeps the hosts of a host layer from giving up anything yet; most runs have nothing of the kind."""
    if cell.layer != HOST_LAYER or not plan.leaving:
        return {}
    return {"leaving": sorted(plan.leaving)}


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

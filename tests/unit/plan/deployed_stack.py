"""The state of a stack as Pulumi keeps it, for a plan whose hosts are all what they should be."""

from __future__ import annotations

import json
from typing import Any

from greenfield.content import roles_digest
from greenfield.model.packed import pack
from greenfield.plan import Plan, cell_variables
from greenfield.plan.deployed import CELL

HOST = {"type": "greenfield:index:Preflight", "outputs": {"hosts": {"r1-h1": "10.77.1.11"}}}
"""A resource of another type, which has hosts too."""


def stack_of(plan: Plan) -> dict[str, Any]:
    """What stands under ``deployment`` of an exported stack, and under ``latest`` of a file of a backend."""
    resources: list[dict[str, Any]] = [HOST, {"type": CELL}]
    for cell in plan.cells:
        shared, own = cell_variables(plan, cell)
        outputs = {
            "cell": cell.name,
            "layer": cell.layer,
            "common": pack(shared),
            "content": roles_digest(cell.roles),
            "hosts": {host: json.dumps({"address": "", "variables": own[host]}) for host in cell.hosts},
            "digests": dict.fromkeys(cell.hosts, "0" * 64),
        }
        resources.append({"type": CELL, "outputs": outputs})
    return {"manifest": {}, "resources": resources}

"""What the state of a Pulumi stack says of a cluster's hosts: the other side of ``greenfield.plan.changes``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from greenfield.errors import PlanError
from greenfield.model.marks import WORDS
from greenfield.model.packed import unpack
from greenfield.plan.changes import CONTENT, VARIABLES, WHY

CELL = "greenfield:index:Cell"


def deployed(state: Any, cluster: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Cell name to host name to what the host was converged to, as ``changes`` takes it.

    Args:
        state: what ``pulumi stack export`` prints, or a stack's file in a backend of files.
        cluster: whose cells; a stack may hold several clusters.

    Raises:
        PlanError: it is neither.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for cell in _cells(state):
        common = unpack(cell["common"])
        if common.get("greenfield_cluster") == cluster:
            found[cell["cell"]] = {host: _host(cell, common, host) for host in cell["hosts"]}
    return found


def _cells(state: Any) -> Iterator[Mapping[str, Any]]:
    """Outputs of the stack's cells; those that wait for their deletion are no longer what is wanted to stand."""
    document = state if isinstance(state, dict) else {}
    kept = document.get("deployment", (document.get("checkpoint") or {}).get("latest", {}))
    if not {"deployment", "checkpoint"} & document.keys() or not isinstance(kept, dict | None):
        raise PlanError("this is not the state of a Pulumi stack", fix="pulumi stack export --file FILE writes one")
    for resource in (kept or {}).get("resources") or []:
        if resource["type"] == CELL and not resource.get("delete") and resource.get("outputs"):
            yield resource["outputs"]


def _host(cell: Mapping[str, Any], common: Mapping[str, Any], host: str) -> dict[str, Any]:
    own = json.loads(cell["hosts"][host])["variables"]
    digest = (cell.get("digests") or {}).get(host)
    why = "failed before" if digest is None else WORDS.get(digest)
    return {VARIABLES: {**common, **own}, CONTENT: cell.get("content"), **({WHY: why} if why else {})}

"""What nodes carry: where they stand, their node pool, and what the platform says of the pool."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from greenfield.model.platform import Platform, PoolNodes
from greenfield.plan import Plan

POOL_LABEL = "greenfield.io/pool"


@dataclass(frozen=True, slots=True)
class Node:
    """A host that is a node of a Kubernetes engine."""

    host: str
    pool: str
    rack: str
    site: str


def nodes_of(plan: Plan, engine: str) -> list[Node]:
    """Nodes of a control plane and of the workers that belong to it, each once, in the plan's order."""
    found: dict[str, Node] = {}
    for name, spec in plan.cluster.engines.items():
        if plan.head_of(name) != engine:
            continue
        for member in plan.members_of(name):
            rack = plan.site.hosts[member.host].rack
            found.setdefault(member.host, Node(member.host, spec.pool, rack, plan.site.name))
    return list(found.values())


def node_patch(node: Node, said: PoolNodes | None) -> dict[str, Any]:
    """Labels of a node."""
    labels = {
        "topology.kubernetes.io/region": node.site,
        "topology.kubernetes.io/zone": node.rack,
        POOL_LABEL: node.pool,
        **(said.labels if said else {}),
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.host, "labels": labels}}


def taints(platform: Platform, nodes: list[Node]) -> dict[str, list[dict[str, str]]]:
    """Node to its taints, of those that have any."""
    return {
        node.host: [
            {"key": each.key, "effect": each.effect, **({"value": each.value} if each.value else {})}
            for each in platform.nodes[node.pool].taints
        ]
        for node in nodes
        if node.pool in platform.nodes and platform.nodes[node.pool].taints
    }


def patches(platform: Platform, nodes: list[Node]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node's patch, by host name."""
    for node in nodes:
        yield node.host, node_patch(node, platform.nodes.get(node.pool))

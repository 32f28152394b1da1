"""How the platform's administrator reaches a delivered Kubernetes engine."""

from __future__ import annotations

import pulumi

from greenfield.plan import Plan
from greenfield.resources import Cluster
from greenfield.resources.custom import Kubeconfig

USER = "greenfield:platform"
GROUP = "system:masters"
"""Kubernetes' own group that may do everything; the API server knows it without asking its database."""


def administrator(name: str, plan: Plan, cluster: Cluster, engine: str) -> pulumi.Output[str]:
    """A kubeconfig (secret), known once the engine and all that belongs to it are formed.

    Args:
        name: the platform's name, for the resource.
        plan: the cluster's plan.
        cluster: the delivered cluster.
        engine: its engine of kind ``kubernetes``.
    """
    family = [cluster.engines[other].formation for other in plan.family_of(engine)]
    members = plan.members_of(engine)
    member = next((each for each in members if each.host not in plan.quarantine), members[0])
    address = plan.site.hosts[member.host].address
    port = next(port.number for port in member.slot.ports if port.audience == "nodes-and-clients")
    pki = plan.cluster.pki
    inputs = {
        "authority": cluster.engines[engine].authority.pair,
        "server": f"https://{address}:{port}",
        "cluster": f"{plan.cluster.name}-{engine}",
        "commonName": USER,
        "organizations": [GROUP],
        "lifetimeSeconds": pki.lifetime_seconds,
        "renewBeforeSeconds": pki.renew_before_seconds,
    }
    made = Kubeconfig(f"{name}-kubeconfig", inputs, pulumi.ResourceOptions(depends_on=family, parent=cluster))
    return made.kubeconfig

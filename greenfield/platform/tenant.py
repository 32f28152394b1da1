"""``greenfield:index:Tenant``: a namespace with its limits, closed to all that it was not opened to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi

from greenfield.model.platform import Amounts, Quota
from greenfield.model.platform import Tenant as TenantSpec
from greenfield.platform.quantity import cores, octets
from greenfield.platform.sdk import declare

USUAL_REQUESTS = Amounts(0.1, 128 * 2**20)
"""What a container asks for that says nothing, where a quota would refuse it otherwise: a small service's need."""

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""Kubernetes itself labels each namespace with its name."""

DNS_NAMESPACE, DNS_LABELS = "kube-system", {"k8s-app": "kube-dns"}
"""Where kubeadm puts the cluster's DNS."""


@dataclass(frozen=True, slots=True)
class TenantArgs:
    """A tenant of a platform, the tenants that let it in, and what must be before its namespace is made."""

    tenant: TenantSpec
    access_to: tuple[str, ...] = ()
    after: tuple[pulumi.Resource, ...] = ()


class Tenant(pulumi.ComponentResource):
    """A tenant. Outputs: ``namespace`` (its name, known once all of it stands)."""

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Tenant", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        self.home = declare(f"{name}-namespace", namespace(args.tenant), child)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[self.home])
        self.guards = [declare(f"{name}-{key}", each, inside) for key, each in guards(args.tenant, args.access_to)]
        made = pulumi.Output.all(*(each.id for each in self.guards))
        self.namespace = made.apply(lambda _: args.tenant.name)
        self.register_outputs({"namespace": self.namespace})


def namespace(tenant: TenantSpec) -> dict[str, Any]:
    """The namespace, with the Pod Security Standard that its pods are held to, warned of and audited by."""
    level = {f"pod-security.kubernetes.io/{mode}": tenant.pod_security for mode in ("enforce", "audit", "warn")}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": tenant.name,
            "labels": {**tenant.labels, **level},
            "annotations": {"greenfield.io/owner": tenant.owner},
        },
    }


def guards(tenant: TenantSpec, access_to: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Quota, limits, rights and network policies of a tenant, with names for their resources."""
    hard = _hard(tenant.quota)
    if hard:
        yield "quota", _object(tenant, "v1", "ResourceQuota", "quota", spec={"hard": hard})
    limits = _limits(tenant)
    if len(limits) > 1:
        yield "limits", _object(tenant, "v1", "LimitRange", "limits", spec={"limits": [limits]})
    for level in ("admin", "edit", "view"):
        groups = getattr(tenant.groups, level)
        if groups:
            yield f"role-{level}", _binding(tenant, level, groups)
    for name, spec in _policies(tenant, access_to):
        policy = {"podSelector": {}, **spec}
        yield f"net-{name}", _object(tenant, "networking.k8s.io/v1", "NetworkPolicy", name, spec=policy)


def _object(tenant: TenantSpec, api_version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": tenant.name}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def _hard(quota: Quota) -> dict[str, str]:
    said = {
        "requests.cpu": None if quota.cpu_cores is None else cores(quota.cpu_cores),
        "requests.memory": None if quota.memory_bytes is None else octets(quota.memory_bytes),
        "requests.storage": None if quota.storage_bytes is None else octets(quota.storage_bytes),
        "persistentvolumeclaims": None if quota.volumes is None else str(quota.volumes),
        "pods": None if quota.pods is None else str(quota.pods),
    }
    return {key: value for key, value in said.items() if value is not None}


def _limits(tenant: TenantSpec) -> dict[str, Any]:
    """A LimitRange's item. Where the quota counts something, every container must ask for some of it."""
    requests = {
        "cpu": _request(
            tenant.requests.cpu_cores, tenant.quota.cpu_cores, USUAL_REQUESTS.cpu_cores, tenant.limits.cpu_cores
        ),
        "memory": _request(
            tenant.requests.memory_bytes,
            tenant.quota.memory_bytes,
            USUAL_REQUESTS.memory_bytes,
            tenant.limits.memory_bytes,
        ),
    }
    found: dict[str, Any] = {"type": "Container"}
    for key, cpu, memory in (
        ("default", tenant.limits.cpu_cores, tenant.limits.memory_bytes),
        ("defaultRequest", requests["cpu"], requests["memory"]),
    ):
        said = ({"cpu": cores(cpu)} if cpu is not None else {}) | (
            {"memory": octets(int(memory))} if memory is not None else {}
        )
        if said:
            found[key] = said
    return found


def _request(said: float | None, quota: float | None, usual: float | None, limit: float | None) -> float | None:
    if said is not None or quota is None:
        return said
    return min(each for each in (usual, quota, limit) if each is not None)


def _binding(tenant: TenantSpec, level: str, groups: tuple[str, ...]) -> dict[str, Any]:
    authority = "rbac.authorization.k8s.io"
    return _object(
        tenant,
        f"{authority}/v1",
        "RoleBinding",
        level,
        roleRef={"apiGroup": authority, "kind": "ClusterRole", "name": level},
        subjects=[{"apiGroup": authority, "kind": "Group", "name": group} for group in groups],
    )


def _policies(tenant: TenantSpec, access_to: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Nothing passes but DNS, what stays inside, and what other tenants were let in for."""
    yield "deny-all", {"policyTypes": ["Ingress", "Egress"]}
    dns = {"namespaceSelector": _named(DNS_NAMESPACE), "podSelector": {"matchLabels": DNS_LABELS}}
    ports = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    yield "allow-dns", {"policyTypes": ["Egress"], "egress": [{"to": [dns], "ports": ports}]}
    inside: list[dict[str, Any]] = [{"podSelector": {}}]
    both = {"ingress": [{"from": inside}], "egress": [{"to": inside}]}
    yield "allow-inside", {"policyTypes": ["Ingress", "Egress"], **both}
    for other in tenant.access_from:
        peers = [{"namespaceSelector": _named(other)}]
        yield f"from-{other}", {"policyTypes": ["Ingress"], "ingress": [{"from": peers}]}
    for other in access_to:
        peers = [{"namespaceSelector": _named(other)}]
        yield f"to-{other}", {"policyTypes": ["Egress"], "egress": [{"to": peers}]}


def _named(name: str) -> dict[str, Any]:
    return {"matchLabels": {NAMESPACE_LABEL: name}}

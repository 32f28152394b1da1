"""A platform against its cluster and itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from greenfield.engines import ENGINES
from greenfield.model.kubernetes import CLUSTER_SCOPED
from greenfield.model.platform import Tenant
from greenfield.model.problem import SpecPath
from greenfield.spec.build_cluster import BuiltCluster
from greenfield.spec.build_platform import BuiltPlatform

RESERVED = ("default", "kube-")
"""Namespaces of Kubernetes itself."""

DEADLINE = "pulumi.com/timeoutSeconds"
"""Annotation of an object's own deadline. Pulumi's plugin passes over one that it does not understand."""


def check_platform(built: BuiltPlatform, clusters: Mapping[str, BuiltCluster]) -> None:
    """Adds what is wrong with a platform to its draft's problems."""
    platform = built.platform
    if platform.cluster and built.draft.known(
        platform.cluster, clusters, "the cluster", ("cluster",), "unknown-cluster"
    ):
        _engine(built, clusters[platform.cluster])
        _pools(built, clusters[platform.cluster])
    _taints(built)
    _classes(built)
    for tenant in platform.tenants.values():
        _tenant(built, tenant)
    _workloads(built)


def _engine(built: BuiltPlatform, cluster: BuiltCluster) -> None:
    name, engines = built.platform.engine, cluster.draft.names("engines")
    if not name or not built.draft.known(name, engines, "the engine", ("engine",), "unknown-engine"):
        return
    engine = cluster.cluster.engines.get(name)
    if engine is not None and engine.kind != "kubernetes":
        fit = [each.name for each in cluster.cluster.engines.values() if each.kind == "kubernetes"]
        fix = f"name one of kind kubernetes: {', '.join(fit)}" if fit else "add an engine of kind kubernetes"
        built.draft.add(("engine",), f"{name} is an engine of kind {engine.kind}", fix, "no-kubernetes")


def node_pools(cluster: BuiltCluster, engine: str) -> set[str]:
    """Node pools that carry nodes of a control plane: its own and its workers'."""
    return {
        each.pool
        for each in cluster.cluster.engines.values()
        if each.name == engine
        or (ENGINES[each.kind].belongs_to and each.options.get(ENGINES[each.kind].belongs_to) == engine)
    }


def _pools(built: BuiltPlatform, cluster: BuiltCluster) -> None:
    platform, pools = built.platform, cluster.draft.names("nodePools")
    named: list[tuple[SpecPath, str]] = [(("nodes", name), name) for name in platform.nodes]
    named += [
        (("storageClasses", each.name, "local", "pool"), each.local.pool)
        for each in platform.storage_classes.values()
        if each.local
    ]
    whole = platform.engine in cluster.cluster.engines and cluster.draft.whole
    carrying = node_pools(cluster, platform.engine)
    for at, pool in named:
        known = built.draft.known(pool, pools, "the node pool", at, "unknown-pool")
        if known and whole and pool not in carrying:
            message = f"the node pool {pool} carries no nodes of {platform.engine}"
            fix = f"name one that does: {', '.join(sorted(carrying))}"
            built.draft.add(at, message, fix, "pool-without-nodes")


def _taints(built: BuiltPlatform) -> None:
    for pool, nodes in built.platform.nodes.items():
        seen = Counter((each.key, each.effect) for each in nodes.taints)
        for (key, effect), times in seen.items():
            if times > 1:
                message = f"the taint {key} with effect {effect} is here {times} times"
                built.draft.add(("nodes", pool, "taints"), message, "keep one", "duplicate-taint")


def _classes(built: BuiltPlatform) -> None:
    draft, platform = built.draft, built.platform
    for key, name, known in (
        ("defaultPriorityClass", platform.default_priority_class, draft.names("priorityClasses")),
        ("defaultStorageClass", platform.default_storage_class, draft.names("storageClasses")),
    ):
        if name:
            draft.known(name, known, "the class", (key,), "unknown-class")
    for name in platform.priority_classes:
        if name.startswith("system-"):
            message = f'"{name}": names that begin with system- are Kubernetes\' own'
            draft.add(("priorityClasses", name), message, "give it another name", "reserved-name")


def _tenant(built: BuiltPlatform, tenant: Tenant) -> None:
    draft, at = built.draft, ("tenants", tenant.name)
    if tenant.name == RESERVED[0] or tenant.name.startswith(RESERVED[1]):
        message = f'"{tenant.name}" is a namespace of Kubernetes itself'
        draft.add(at, message, "give the tenant another name", "reserved-name")
    for index, name in enumerate(tenant.access_from):
        place = (*at, "accessFrom", index)
        draft.known(name, draft.names("tenants"), "the tenant", place, "unknown-tenant")
    said = draft.document.spec["tenants"][tenant.name]
    ladder = ("requests", tenant.requests), ("limits", tenant.limits), ("quota", tenant.quota)
    for number, (low, less) in enumerate(ladder):
        for high, more in ladder[number + 1 :]:
            for key, field in (("cpu", "cpu_cores"), ("memory", "memory_bytes")):
                asked, allowed = getattr(less, field), getattr(more, field)
                if asked is not None and allowed is not None and asked > allowed:
                    message = f"{low} of {said[low][key]} are more than the {high} of {said[high][key]}"
                    draft.add((*at, low, key), message, f"at most {said[high][key]}", "over-quota")


def _workloads(built: BuiltPlatform) -> None:
    draft, tenants = built.draft, built.draft.names("tenants")
    seen: dict[tuple[str, str, str, str], str] = {}
    for workload in built.platform.workloads.values():
        draft.known(workload.tenant, tenants, "the tenant", ("workloads", workload.name, "tenant"), "unknown-tenant")
        for found in built.objects[workload.name]:
            kind, metadata = str(found.data["kind"]), found.data["metadata"]
            namespace = metadata.get("namespace")
            if kind in CLUSTER_SCOPED:
                message = f"{found.label} belongs to the whole cluster, not to the tenant {workload.tenant}"
                fix = "take it out; namespaces and classes are declared in the platform itself"
                draft.problems.append(found.problem(message, fix, "cluster-object"))
            elif namespace not in (None, workload.tenant):
                message = f"{found.label} is for namespace {namespace}, the workload is of tenant {workload.tenant}"
                fix = "leave metadata.namespace out"
                draft.problems.append(found.problem(message, fix, "foreign-namespace"))
            seconds = (metadata.get("annotations") or {}).get(DEADLINE, "1")
            if not str(seconds).isdigit():
                message = f'{found.label} has {DEADLINE}: "{seconds}", which is no number of seconds'
                fix = "correct it, or leave it out: the workload's deadline holds then"
                draft.problems.append(found.problem(message, fix, "manifest"))
            group = str(found.data["apiVersion"]).rpartition("/")[0]
            first = seen.setdefault((workload.tenant, group, kind, metadata["name"]), f"{found.file.name}:{found.line}")
            if first != f"{found.file.name}:{found.line}":
                message = f"{found.label} is there already ({first})"
                draft.problems.append(found.problem(message, "remove one of them", "duplicate-object"))

"""A platform: what is declared on a cluster's Kubernetes engine. Mappings are keyed by name, in spec order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Taint:
    """Keeps pods that don't tolerate it off a node."""

    key: str
    value: str
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


@dataclass(frozen=True, slots=True)
class PoolNodes:
    """What the nodes of one node pool carry."""

    labels: Mapping[str, str]
    taints: tuple[Taint, ...]


@dataclass(frozen=True, slots=True)
class PriorityClass:
    """Pods of a higher ``value`` are scheduled first, and push others out if they ``preempt``."""

    name: str
    value: int
    preempt: bool
    about: str


@dataclass(frozen=True, slots=True)
class LocalVolume:
    """A volume at ``path`` on each host of a node pool."""

    pool: str
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StorageClass:
    """Either of local volumes, or of a provisioner (then ``local`` is ``None``)."""

    name: str
    local: LocalVolume | None
    provisioner: str
    parameters: Mapping[str, str]
    reclaim: Literal["retain", "delete"]


@dataclass(frozen=True, slots=True)
class Amounts:
    """CPU in cores and memory in bytes; ``None`` where nothing is said."""

    cpu_cores: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """What a tenant may ask for altogether; ``None`` where nothing limits it."""

    cpu_cores: float | None = None
    memory_bytes: int | None = None
    storage_bytes: int | None = None
    volumes: int | None = None
    pods: int | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups of people by what they may do in a tenant's namespace."""

    admin: tuple[str, ...] = ()
    edit: tuple[str, ...] = ()
    view: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tenant:
    """A namespace with limits, closed to all but itself, DNS and the tenants in ``access_from``.

    ``limits`` and ``requests`` are those of a container that says nothing itself.
    """

    name: str
    owner: str
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: Groups = Groups()
    quota: Quota = Quota()
    limits: Amounts = Amounts()
    requests: Amounts = Amounts()
    pod_security: Literal["restricted", "baseline", "privileged"] = "restricted"
    access_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workload:
    """Objects of Kubernetes in a tenant's namespace.

    Attributes:
        objects: as the manifests have them, in their order.
        deadline_seconds: how long each may take to be ready.
        disruptions: pods of each Deployment and StatefulSet that may be away at once.
    """

    name: str
    tenant: str
    objects: tuple[Mapping[str, Any], ...]
    deadline_seconds: int = 600
    disruptions: int = 1


@dataclass(frozen=True, slots=True)
class Platform:
    """A whole platform. ``nodes`` is by node pool; the defaults are names of classes or empty."""

    name: str
    cluster: str
    engine: str
    nodes: Mapping[str, PoolNodes] = field(default_factory=dict)
    priority_classes: Mapping[str, PriorityClass] = field(default_factory=dict)
    default_priority_class: str = ""
    storage_classes: Mapping[str, StorageClass] = field(default_factory=dict)
    default_storage_class: str = ""
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    workloads: Mapping[str, Workload] = field(default_factory=dict)

"""Priority classes, storage classes and local volumes as objects of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from greenfield.model.platform import LocalVolume, Platform, PriorityClass, StorageClass
from greenfield.platform.nodes import Node
from greenfield.platform.quantity import octets

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def priority_class(said: PriorityClass, default: bool) -> dict[str, Any]:
    """A PriorityClass."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": said.name},
        "value": said.value,
        "preemptionPolicy": "PreemptLowerPriority" if said.preempt else "Never",
        **({"description": said.about} if said.about else {}),
        **({"globalDefault": True} if default else {}),
    }


def storage_class(said: StorageClass, default: bool) -> dict[str, Any]:
    """A StorageClass. A volume is chosen when its pod is placed, so that the two are on one node."""
    found: dict[str, Any] = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": said.name, "annotations": {DEFAULT_CLASS: "true" if default else "false"}},
        "provisioner": said.provisioner,
        "reclaimPolicy": said.reclaim.capitalize(),
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    return {**found, "parameters": dict(said.parameters)} if said.parameters else found


def local_volume(name: str, local: LocalVolume, host: str) -> dict[str, Any]:
    """The PersistentVolume of a class on one host; kept when its claim goes, for nobody else could empty it."""
    only_there = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{name}-{host}"},
        "spec": {
            "capacity": {"storage": octets(local.size_bytes)},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": name,
            "volumeMode": "Filesystem",
            "local": {"path": local.path},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [only_there]}},
        },
    }


def classes(platform: Platform, nodes: list[Node]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every class and local volume, with a name for its resource."""
    for name, priority in platform.priority_classes.items():
        yield f"priority-{name}", priority_class(priority, name == platform.default_priority_class)
    for name, storage in platform.storage_classes.items():
        yield f"storage-{name}", storage_class(storage, name == platform.default_storage_class)
        for node in nodes:
            if storage.local and node.pool == storage.local.pool:
                yield f"volume-{name}-{node.host}", local_volume(name, storage.local, node.host)

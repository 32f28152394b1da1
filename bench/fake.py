"""Nodes and pods that are objects only: kwok plays their kubelets, so that an API server carries them as real ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MARK = "greenfield.io/bench"
"""Label of all that the benchmark makes, key of the taint that keeps real pods off, and what is deleted at the end."""

CHUNK = "greenfield.io/bench-chunk"
CHUNK_OBJECTS = 250
"""Objects that are deleted by one request: some seconds' work on two cores, far from a request's minute."""

PREFIX = "greenfield-bench"
NAMESPACES = 4
NODE_INFO = {
    "architecture": "amd64",
    "bootID": "",
    "containerRuntimeVersion": "containerd://1.6.20",
    "kernelVersion": "6.1.0",
    "kubeProxyVersion": "",
    "kubeletVersion": "v1.35.4",
    "machineID": "",
    "operatingSystem": "linux",
    "osImage": "Debian GNU/Linux 12 (bookworm)",
    "systemUUID": "",
}
POD_IMAGE = "registry.k8s.io/pause:3.10.1"

Json = dict[str, Any]


def namespaces() -> list[str]:
    """Where the pods go."""
    return [f"{PREFIX}-{index}" for index in range(1, NAMESPACES + 1)]


def namespace(name: str) -> Json:
    """A namespace of the benchmark."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {MARK: "fake"}}}


def node_name(index: int) -> str:
    """Name of the node of a number from 0."""
    return f"{PREFIX}-{index:05d}"


def node(index: int, racks: Sequence[str], site: str) -> Json:
    """A node with the labels that the plan gives a real one; racks take turns."""
    name, size = node_name(index), {"cpu": "32", "memory": "256Gi", "pods": "110"}
    labels = {
        MARK: "fake",
        CHUNK: chunk(index),
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": site,
        "topology.kubernetes.io/zone": racks[index % len(racks)],
        "greenfield.io/pool": "bench",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": [{"key": MARK, "value": "fake", "effect": "NoSchedule"}]},
        "status": {
            "allocatable": size,
            "capacity": size,
            "nodeInfo": NODE_INFO,
            # 198.18.0.0/15 is for benchmarks (RFC 2544): nobody answers there.
            "addresses": [
                {"type": "InternalIP", "address": f"198.18.{index // 250}.{index % 250 + 1}"},
                {"type": "Hostname", "address": name},
            ],
        },
    }


def pod_place(index: int) -> tuple[str, str]:
    """Namespace and name of the pod of a number from 0."""
    return namespaces()[index % NAMESPACES], f"pod-{index:06d}"


def pod(index: int, nodes: int) -> Json:
    """A pod that is bound to its node already; nodes take turns."""
    place, name = pod_place(index)
    return pod_named(place, name, chunk(index), node_name(index % nodes))


def pod_named(place: str, name: str, part: str, on: str = "") -> Json:
    """A pod on a node, or on whichever fake one the scheduler chooses."""
    where: Json = {"nodeName": on} if on else {"nodeSelector": {MARK: "fake"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": place, "labels": {MARK: "fake", CHUNK: part, "app": place}},
        "spec": {
            **where,
            # Also the loss of its node: one whose lease kwok renews late is counted, its pods are not to go.
            "tolerations": [{"operator": "Exists"}],
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "main",
                    "image": POD_IMAGE,
                    "env": [{"name": "PLACE", "value": place}],
                    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
                }
            ],
        },
    }


def chunk(index: int) -> str:
    """The part that an object is deleted with."""
    return str(index // CHUNK_OBJECTS)

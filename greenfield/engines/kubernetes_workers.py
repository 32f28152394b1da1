"""Workers of a Kubernetes control plane: the nodes of one pool that run pods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from greenfield.engines.descriptor import EngineKind, Slot
from greenfield.engines.kubernetes import (
    NODE_MEMORY_BYTES,
    NODE_PORTS,
    RELEASES,
    VERSION_PATH,
    artifacts,
    before,
    host_settings,
    node_credentials,
)
from greenfield.model.cluster import EngineSpec

OLDEST_KUBELET = 3
"""A kubelet may be this many minor versions older than the API server, never newer (kubernetes.io, "Version Skew
Policy")."""

DIGITS = 4
"""Names of up to 9,999 workers sort as they count."""


def _slots(engine: EngineSpec) -> Sequence[Slot]:
    return [
        Slot(
            name=f"worker-{index:0{DIGITS}d}",
            # Each is a group of its own: they need not be apart from each other.
            group=f"worker-{index:0{DIGITS}d}",
            quorum=0,
            memory_bytes=NODE_MEMORY_BYTES + int(engine.options["pod_memory_bytes"]),
            disk_bytes=int(engine.options["volumes_bytes"]),
            ports=NODE_PORTS,
            directories=(f"/data/{engine.name}",),
            role="worker",
        )
        for index in range(1, int(engine.options["nodes"]) + 1)
    ]


def _variables(engine: EngineSpec) -> dict[str, Any]:
    return {
        "kind": "workers",
        "release": RELEASES[engine.version],
        "labels": dict(engine.options["labels"]),
        "taints": list(engine.options["taints"]),
        "pod_memory_bytes": int(engine.options["pod_memory_bytes"]),
        "drain_seconds": int(engine.options["drain_deadline_seconds"]),
    }


def _fewer(hosts: int) -> tuple[str, str]:
    return "nodes", f"nodes: {hosts}" if hosts else ""


KUBERNETES_WORKERS = EngineKind(
    name="kubernetes-workers",
    versions=tuple(RELEASES),
    role="kubernetes",
    roles_before=("containerd",),
    before=before,
    tells_rack=True,
    fetches_files=True,
    slots=_slots,
    host_settings=host_settings,
    artifacts=artifacts,
    check=lambda _engine: (),
    variables=_variables,
    references={"control_plane": "kubernetes"},
    belongs_to="control_plane",
    lag=OLDEST_KUBELET,
    # kubeadm upgrades a node as it does a member, one minor version at a time; but a node holds nothing to restore.
    version_path=replace(
        VERSION_PATH,
        no_way_back="kubeadm does not downgrade a node",
        way_back="the way back is a new pool of workers of that version, to which the pods move",
    ),
    credentials=node_credentials,
    fewer=_fewer,
    data_tier=False,
    live=frozenset({"members"}),
)

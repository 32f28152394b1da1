"""A local volume of a check's own on a node, and pods that mount it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from greenfield.verify.engine import MemberUnderTest
from greenfield.verify.kubernetes import IDLE, READY_SECONDS, Kubernetes

PLACE = "/data"
"""The data disk, where local volumes are."""


@contextmanager
def local_volume(kube: Kubernetes, name: str, node: MemberUnderTest) -> Iterator[None]:
    """A folder of a node's data disk as a volume, claimed under the same name in the namespace ``name``."""
    path = f"{PLACE}/{name}"
    # Its pods are nobody in particular.
    node.on.check_output(f"install -d -m 0770 -g 65535 {path}")
    only_there = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node.host]}]}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    volume = {
        **common,
        "capacity": {"storage": "1Mi"},
        "local": {"path": path},
        "persistentVolumeReclaimPolicy": "Retain",
        "nodeAffinity": {"required": {"nodeSelectorTerms": [only_there]}},
    }
    claim = {**common, "volumeName": name, "resources": {"requests": {"storage": "1Mi"}}}
    head = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}}
    kube.ctl("apply -f -", stdin=json.dumps({**head, "spec": volume}))
    try:
        kube.apply(name, "v1 PersistentVolumeClaim", name, claim)
        yield
    finally:
        kube.ctl(f"delete namespace {name} --wait=true --timeout=60s")
        kube.ctl(f"delete persistentvolume {name} --wait=true --timeout=60s")
        node.on.check_output(f"rm -rf --one-file-system {path}")


def run_mounted(kube: Kubernetes, namespace: str, name: str) -> dict[str, str]:
    """Run a pod that mounts the claim ``namespace``, wherever the scheduler puts it: its ``uid`` and its ``node``."""
    container = {**IDLE["containers"][0], "volumeMounts": [{"name": "kept", "mountPath": "/kept"}]}  # type: ignore[index]
    spec = {
        **IDLE,
        "containers": [container],
        "securityContext": {"fsGroup": 65535},
        "volumes": [{"name": "kept", "persistentVolumeClaim": {"claimName": namespace}}],
    }
    kube.apply(namespace, "v1 Pod", name, spec)
    kube.ctl(f"wait -n {namespace} pod/{name} --for=condition=Ready --timeout={READY_SECONDS:.0f}s")
    found = kube.get(f"-n {namespace} pod {name}")
    return {"uid": found["metadata"]["uid"], "node": found["spec"]["nodeName"]}

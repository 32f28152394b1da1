"""Takes the pods of a node away, as far as their disruption budgets allow."""

from __future__ import annotations

import time

from ansible_collections.greenfield.host.plugins.module_utils.kube_client import KubeError

MIRROR = "kubernetes.io/config.mirror"
RETRY_SECONDS = 2.0
TOO_MANY = 429
"""The API's answer to an eviction that a PodDisruptionBudget forbids for now."""

CORDONED_BY = "greenfield.io/cordoned"
"""Annotation of a node that the delivery cordoned, so that it never uncordons what a person cordoned."""


def cordon(kube, name):
    """Let no further pod onto a node; whether that changed anything."""
    node = kube.node(name)
    if node is None or node["spec"].get("unschedulable"):
        return False
    _mark(kube, name, "true", True)
    return True


def uncordon(kube, name):
    """Let pods onto a node again, if it was the delivery that cordoned it; whether it was."""
    node = kube.node(name)
    if node is None or (node["metadata"].get("annotations") or {}).get(CORDONED_BY) != "true":
        return False
    _mark(kube, name, None, None)
    return True


def _mark(kube, name, by, unschedulable):
    body = {"metadata": {"annotations": {CORDONED_BY: by}}, "spec": {"unschedulable": unschedulable}}
    kube.patch(f"/api/v1/nodes/{name}", body)


def drain(kube, name, seconds):
    """Evict what can move and wait until it is gone. Returns what stays and why, in words; empty when all is well."""
    deadline = time.monotonic() + seconds
    while True:
        stays = []
        for pod in movable(kube, name):
            reason = _evict(kube, pod)
            stays.append(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}: {reason}")
        if not stays or time.monotonic() >= deadline:
            return "; ".join(stays)
        time.sleep(RETRY_SECONDS)


def movable(kube, name):
    """Pods of a node that are neither finished, nor static, nor of a DaemonSet."""
    pods = kube.get(f"/api/v1/pods?fieldSelector=spec.nodeName%3D{name}")["items"]
    return [pod for pod in pods if _movable(pod)]


def _movable(pod):
    owners = pod["metadata"].get("ownerReferences") or []
    static = MIRROR in (pod["metadata"].get("annotations") or {})
    finished = pod["status"].get("phase") in ("Succeeded", "Failed")
    return not static and not finished and not any(owner["kind"] == "DaemonSet" for owner in owners)


def _evict(kube, pod):
    meta = pod["metadata"]
    if meta.get("deletionTimestamp"):
        return "is ending"
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
    }
    try:
        kube.call("POST", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction", body)
    except KubeError as error:
        if error.status == 404:
            return "is gone"
        if error.status == TOO_MANY:
            return str(error)
        raise
    return "is ending"

"""When objects count as ready."""

from __future__ import annotations

from typing import Any

import pytest

from greenfield.kubernetes_provider.readiness import judge, why_pod


def _of(kind: str, status: dict[str, Any], around: dict[str, Any] | None = None, **spec: Any) -> tuple[bool, bool, str]:
    version = {"Deployment": "apps/v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1"}.get(kind, "v1")
    live = {"apiVersion": version, "kind": kind, "metadata": {"generation": 1}, "spec": spec, "status": status}
    verdict = judge(live, around or {})
    return verdict.ready, verdict.failed, verdict.said


def _true(kind: str, status: str = "True", **more: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, **more}]}


WHOLE = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2}
DAEMONS = {"observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}


@pytest.mark.parametrize(
    ("kind", "status", "around", "spec"),
    [
        ("Deployment", WHOLE, {}, {"replicas": 2}),
        ("StatefulSet", WHOLE, {}, {"replicas": 2}),
        (
            "StatefulSet",
            {**WHOLE, "updatedReplicas": 1},
            {},
            {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
        ),
        ("ReplicaSet", WHOLE, {}, {"replicas": 2}),
        ("DaemonSet", DAEMONS, {}, {}),
        ("Job", _true("Complete"), {}, {}),
        ("Job", {}, {}, {"suspend": True}),
        ("Pod", _true("Ready"), {}, {}),
        ("Pod", {"phase": "Succeeded"}, {}, {}),
        ("Service", {}, {}, {"type": "ExternalName"}),
        ("Service", {}, {}, {"clusterIP": "None", "selector": {"a": "b"}}),
        ("Service", {}, {}, {}),
        ("Service", {}, {"endpoints": 1}, {"selector": {"a": "b"}}),
        ("Service", {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}, {}, {"type": "LoadBalancer"}),
        ("PersistentVolumeClaim", {"phase": "Bound"}, {}, {}),
        ("PersistentVolumeClaim", {"phase": "Pending"}, {"binding": "WaitForFirstConsumer"}, {}),
        ("Namespace", {"phase": "Active"}, {}, {}),
        ("CustomResourceDefinition", _true("Established"), {}, {}),
        ("ConfigMap", {}, {}, {}),
    ],
)
def test_ready(kind: str, status: dict[str, Any], around: dict[str, Any], spec: dict[str, Any]) -> None:
    assert _of(kind, status, around, **spec)[0]


@pytest.mark.parametrize(
    ("kind", "status", "spec", "failed", "said"),
    [
        ("Deployment", {}, {}, False, "its controller has not looked at it yet"),
        ("Deployment", {**WHOLE, "replicas": 3}, {"replicas": 2}, False, "1 old ones are left"),
        ("Deployment", {**WHOLE, "availableReplicas": 1}, {"replicas": 2}, False, "1 of 2 replicas are available"),
        (
            "Deployment",
            {"observedGeneration": 1, **_true("Progressing", "False", reason="ProgressDeadlineExceeded", message="no")},
            {},
            True,
            "no",
        ),
        ("StatefulSet", {**WHOLE, "readyReplicas": 1}, {"replicas": 2}, False, "1 of 2 replicas are ready"),
        ("StatefulSet", {**WHOLE, "updatedReplicas": 1}, {"replicas": 2}, False, "1 are of the newest version"),
        ("DaemonSet", {**DAEMONS, "numberAvailable": 1}, {}, False, "1 of 2 pods are available"),
        ("ReplicaSet", {**WHOLE, "availableReplicas": 0}, {"replicas": 2}, False, "0 of 2 replicas"),
        ("Job", _true("Failed", message="too often"), {}, True, "too often"),
        ("Job", {"succeeded": 1}, {"completions": 3}, False, "1 of 3 pods are done"),
        ("Pod", {"phase": "Failed", "reason": "Evicted"}, {}, True, "Evicted"),
        ("Pod", _true("Ready", "False", message="probe"), {}, False, "condition Ready is False: probe"),
        (
            "Service",
            {},
            {"selector": {"a": "b"}, "clusterIP": "1.2.3.4"},
            False,
            "none of the pods it selects is ready",
        ),
        ("Service", {}, {"type": "LoadBalancer"}, False, "no address"),
        ("PersistentVolumeClaim", {"phase": "Pending"}, {}, False, "it is Pending"),
        ("Namespace", {"phase": "Terminating"}, {}, False, "it is Terminating"),
        ("CustomResourceDefinition", _true("NamesAccepted", "False", message="taken"), {}, True, "taken"),
        ("CustomResourceDefinition", {}, {}, False, "Established is not there"),
    ],
)
def test_not_ready(kind: str, status: dict[str, Any], spec: dict[str, Any], failed: bool, said: str) -> None:
    found = _of(kind, status, **spec)
    assert found[:2] == (False, failed)
    assert said in found[2]


def test_a_condition_may_be_asked_for() -> None:
    live = {
        "apiVersion": "x.io/v1",
        "kind": "Lamp",
        "metadata": {"annotations": {"pulumi.com/waitFor": "condition=Lit"}},
        "status": _true("Lit", "False"),
    }
    assert not judge(live, {}).ready
    assert judge({**live, "status": _true("Lit")}, {}).ready


def test_a_custom_resource_called_like_a_kind_of_kubernetes_is_not_one() -> None:
    assert judge({"apiVersion": "x.io/v1", "kind": "Deployment", "metadata": {}, "spec": {}}, {}).ready


def test_why_a_pod_does_not_run() -> None:
    waiting = {"name": "c", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}
    assert why_pod({"status": {"phase": "Pending", "containerStatuses": [waiting]}}) == "c: ErrImagePull no such image"
    unplaced = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes fit"}
    assert why_pod({"status": {"phase": "Pending", "conditions": [unplaced]}}) == "not scheduled: 0/3 nodes fit"
    assert why_pod({"status": {"phase": "Running"}}) == ""

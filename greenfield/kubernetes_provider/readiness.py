"""When an object counts as ready, and how long that may take, by kind. Pure: it judges what was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from greenfield.kubernetes_provider.api import Json
from greenfield.kubernetes_provider.target import TIMEOUT, WAIT_FOR, annotation

DEADLINES: Mapping[str, int] = {
    "Deployment": 600,
    "StatefulSet": 600,
    "DaemonSet": 600,
    "ReplicaSet": 600,
    "Job": 600,
    "Service": 600,
    "Pod": 300,
    "PersistentVolumeClaim": 300,
    "Namespace": 60,
    "CustomResourceDefinition": 60,
    "APIService": 60,
}
"""Seconds; what people know of the official plugin. Others are ready once the server has them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``failed``: it won't become ready by waiting. ``said`` is what is missing, for people."""

    ready: bool
    said: str = ""
    failed: bool = False


READY = Verdict(True)


def seconds(asked: float, values: Mapping[str, Any], kind: str) -> float:
    """How long an object may take: the resource's own timeout option, its annotation, or that of its kind."""
    return float(asked or annotation(values, TIMEOUT) or DEADLINES.get(kind, 300))


def judge(live: Json, around: Json) -> Verdict:
    """Whether an object is ready.

    Args:
        live: the object.
        around: what else was read for it: ``endpoints`` (of a Service), ``binding`` (mode of a claim's class).
    """
    wanted = annotation(live, WAIT_FOR).removeprefix("condition=")
    if wanted:
        kind, _, status = wanted.partition("=")
        return _condition(live, kind, status or "True")
    builtin = str(live.get("apiVersion", "")).partition("/")[0]
    if "." in builtin and not builtin.endswith(".k8s.io"):
        return READY
    check = _CHECKS.get(str(live.get("kind")))
    return check(live, around) if check else READY


def _status(live: Json) -> Json:
    return live.get("status") or {}


def _find(live: Json, kind: str) -> Json | None:
    return next((each for each in _status(live).get("conditions") or [] if each.get("type") == kind), None)


def _condition(live: Json, kind: str, status: str = "True") -> Verdict:
    found = _find(live, kind)
    if found is not None and found.get("status") == status:
        return READY
    why = f": {found.get('message') or found.get('reason') or ''}" if found else ""
    return Verdict(False, f"condition {kind} is {found['status'] if found else 'not there'}{why}".rstrip(": "))


def _unseen(live: Json) -> Verdict | None:
    """Not ready while the controller has not looked at the newest version."""
    if _status(live).get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        return Verdict(False, "its controller has not looked at it yet")
    return None


def _deployment(live: Json, _around: Json) -> Verdict:
    status, wanted = _status(live), live["spec"].get("replicas", 1)
    if (early := _unseen(live)) is not None:
        return early
    progress = _find(live, "Progressing")
    if progress and progress.get("reason") == "ProgressDeadlineExceeded":
        return Verdict(False, str(progress.get("message")), failed=True)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    old = status.get("replicas", 0) - updated
    if updated >= wanted and available >= wanted and old <= 0:
        return READY
    said = f"{available} of {wanted} replicas are available, {updated} are of the newest version"
    return Verdict(False, said + (f", {old} old ones are left" if old > 0 else ""))


def _stateful_set(live: Json, _around: Json) -> Verdict:
    status, wanted = _status(live), live["spec"].get("replicas", 1)
    if (early := _unseen(live)) is not None:
        return early
    strategy = live["spec"].get("updateStrategy") or {}
    partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    rolls = strategy.get("type", "RollingUpdate") == "RollingUpdate"
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if ready >= wanted and (not rolls or updated >= wanted - partition):
        return READY
    return Verdict(False, f"{ready} of {wanted} replicas are ready, {updated} are of the newest version")


def _daemon_set(live: Json, _around: Json) -> Verdict:
    status = _status(live)
    if (early := _unseen(live)) is not None:
        return early
    wanted = status.get("desiredNumberScheduled", 0)
    ready, updated = status.get("numberAvailable", 0), status.get("updatedNumberScheduled", 0)
    by_hand = (live["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    if ready >= wanted and (by_hand or updated >= wanted):
        return READY
    return Verdict(False, f"{ready} of {wanted} pods are available, {updated} are of the newest version")


def _replica_set(live: Json, _around: Json) -> Verdict:
    wanted, ready = live["spec"].get("replicas", 1), _status(live).get("availableReplicas", 0)
    return _unseen(live) or (
        READY if ready >= wanted else Verdict(False, f"{ready} of {wanted} replicas are available")
    )


def _job(live: Json, _around: Json) -> Verdict:
    failed = _find(live, "Failed")
    if failed and failed.get("status") == "True":
        return Verdict(False, f"it failed: {failed.get('message') or failed.get('reason')}", failed=True)
    if live["spec"].get("suspend"):
        return READY
    verdict = _condition(live, "Complete")
    done = _status(live).get("succeeded", 0)
    return (
        verdict if verdict.ready else Verdict(False, f"{done} of {live['spec'].get('completions') or 1} pods are done")
    )


def _pod(live: Json, _around: Json) -> Verdict:
    phase = _status(live).get("phase")
    if phase == "Succeeded":
        return READY
    if phase == "Failed":
        return Verdict(False, f"it failed: {_status(live).get('message') or _status(live).get('reason')}", failed=True)
    return _condition(live, "Ready")


def _service(live: Json, around: Json) -> Verdict:
    spec = live["spec"]
    if spec.get("type") == "ExternalName":
        return READY
    if spec.get("type") == "LoadBalancer" and not (_status(live).get("loadBalancer") or {}).get("ingress"):
        return Verdict(False, "no address was given to the load balancer")
    if spec.get("selector") and spec.get("clusterIP") != "None" and not around.get("endpoints"):
        return Verdict(False, "none of the pods it selects is ready")
    return READY


def _claim(live: Json, around: Json) -> Verdict:
    phase = _status(live).get("phase")
    if phase == "Bound" or around.get("binding") == "WaitForFirstConsumer":
        return READY
    return Verdict(False, f"it is {phase or 'not looked at yet'}")


def _namespace(live: Json, _around: Json) -> Verdict:
    phase = _status(live).get("phase")
    return READY if phase == "Active" else Verdict(False, f"it is {phase}")


def _definition(live: Json, _around: Json) -> Verdict:
    names = _find(live, "NamesAccepted")
    if names and names.get("status") == "False":
        return Verdict(False, f"its names are taken: {names.get('message')}", failed=True)
    return _condition(live, "Established")


_CHECKS: Mapping[str, Callable[[Json, Json], Verdict]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "ReplicaSet": _replica_set,
    "Job": _job,
    "Pod": _pod,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "Namespace": _namespace,
    "CustomResourceDefinition": _definition,
    "APIService": lambda live, _around: _condition(live, "Available"),
}


def why_pod(pod: Mapping[str, Any]) -> str:
    """In a few words why a pod does not run; empty where it does."""
    status = pod.get("status") or {}
    for each in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state = each.get("state") or {}
        waiting = state.get("waiting") or state.get("terminated")
        if waiting and waiting.get("reason") not in (None, "Completed", "PodInitializing", "ContainerCreating"):
            return f"{each['name']}: {waiting['reason']} {waiting.get('message') or ''}".strip()
    for each in status.get("conditions") or []:
        if each.get("status") == "False" and each.get("type") == "PodScheduled":
            return f"not scheduled: {each.get('message') or each.get('reason')}"
    if status.get("phase") == "Running":
        return ""
    where = (pod.get("spec") or {}).get("nodeName")
    return f"{status.get('phase', 'Unknown')}, " + (f"on {where}" if where else "no node was chosen for it")

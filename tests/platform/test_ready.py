"""What is waited for, kind by kind: nobody runs pods here, so this test says of them what a kubelet would."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane
from patience import patience
from stack import Stack, counts

PROVES = ("platform/ready",)
ORDER = 15

MERGE = "application/merge-patch+json"
SECONDS = "15s"

HEAD = """
import os
import pulumi
import pulumi_kubernetes as k
provider = k.Provider("cluster", kubeconfig=pulumi.Output.secret(os.environ["TEST_KUBECONFIG"]))
on = pulumi.ResourceOptions(provider=provider)
space = k.core.v1.Namespace("space", metadata={"name": "{space}"}, opts=on)
waits = pulumi.CustomTimeouts(create="{seconds}")
inside = pulumi.ResourceOptions(provider=provider, custom_timeouts=waits, depends_on=[space])

def meta(name, **annotations):
    return {"name": name, "namespace": "{space}", "annotations": annotations}

def pods(app, **spec):
    image = {"name": "c", "image": "registry.example.org/c:1"}
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [image], **spec}}

def chosen(app):
    return {"selector": {"match_labels": {"app": app}}, "template": pods(app)}
"""

KINDS = {
    "Deployment": "k.apps.v1.Deployment('deployment', metadata=meta('deployment'), "
    "spec=chosen('deployment'), opts=inside)",
    "StatefulSet": "k.apps.v1.StatefulSet('stateful', metadata=meta('stateful'), "
    "spec={'service_name': 'stateful', **chosen('stateful')}, opts=inside)",
    "DaemonSet": "k.apps.v1.DaemonSet('daemon', metadata=meta('daemon'), spec=chosen('daemon'), opts=inside)",
    "Job": "k.batch.v1.Job('job', metadata=meta('job'), "
    "spec={'template': pods('job', restart_policy='Never')}, opts=inside)",
    "Pod": "k.core.v1.Pod('pod', metadata={**meta('pod'), 'labels': {'app': 'pod'}}, "
    # On a node, for a service counts no others; nobody there would end it.
    "spec=pods('pod', node_name='ready-1', termination_grace_period_seconds=0)['spec'], opts=inside)",
    "Service": "k.core.v1.Service('service', metadata=meta('service'), "
    "spec={'selector': {'app': 'pod'}, 'ports': [{'port': 80}]}, opts=inside)",
    "LoadBalancer": "k.core.v1.Service('balancer', metadata=meta('balancer'), "
    "spec={'type': 'LoadBalancer', 'ports': [{'port': 80}]}, opts=inside)",
    "PersistentVolumeClaim": "k.core.v1.PersistentVolumeClaim('claim', metadata=meta('claim'), spec={"
    "'storage_class_name': 'by-hand', 'access_modes': ['ReadWriteOnce'], "
    "'resources': {'requests': {'storage': '1Gi'}}}, opts=inside)",
    "Pod that ends": "k.core.v1.Pod('done', metadata={**meta('done'), 'labels': {'app': 'done'}}, "
    "spec=pods('done', restart_policy='Never')['spec'], opts=inside)",
    "condition": "k.core.v1.ConfigMap('condition', metadata=meta('condition', **{'pulumi.com/waitFor': "
    "'jsonpath={.data.lit}=yes'}), data={'a': '1'}, opts=inside)",
}
"""Kinds that are waited for, and a condition that any object may ask for."""

PATIENT = ("PersistentVolumeClaim",)
"""Of these the plugin keeps to its own five minutes whatever is said. A platform does not wait for them at all."""

FAILING = {
    "suspended Job": "k.batch.v1.Job('paused', metadata=meta('paused'), "
    "spec={'suspend': True, 'template': pods('paused', restart_policy='Never')}, opts=inside)",
    "failed Job": "k.batch.v1.Job('failing', metadata=meta('failing'), "
    "spec={'backoff_limit': 0, 'template': pods('failing', restart_policy='Never')}, opts=inside)",
    "failed Pod": "k.core.v1.Pod('broken', metadata={**meta('broken'), 'labels': {'app': 'failing'}}, "
    "spec=pods('failing', restart_policy='Never')['spec'], opts=inside)",
    "Deployment that is stuck": "k.apps.v1.Deployment('late', metadata=meta('late'), "
    "spec={'progress_deadline_seconds': 4, **chosen('late')}, opts=inside)",
}
"""What can't become ready: a suspended Job to the plugin too, so that a platform does not have it wait."""

AT_ONCE = {
    "ExternalName": "k.core.v1.Service('out', metadata=meta('out'), "
    "spec={'type': 'ExternalName', 'external_name': 'example.org'}, opts=inside)",
    "headless Service": "k.core.v1.Service('headless', metadata=meta('headless'), "
    "spec={'cluster_ip': 'None', 'selector': {'app': 'nobody'}, 'ports': [{'port': 80}]}, opts=inside)",
    "Service without selector": "k.core.v1.Service('plain', metadata=meta('plain'), "
    "spec={'ports': [{'port': 80}]}, opts=inside)",
    "ConfigMap": "k.core.v1.ConfigMap('settings', metadata=meta('settings'), data={'a': '1'}, opts=inside)",
    "ReplicaSet": "k.apps.v1.ReplicaSet('replicas', metadata=meta('replicas'), spec=chosen('replicas'), opts=inside)",
    "skipAwait": "k.core.v1.Pod('skipped', metadata=meta('skipped', **{'pulumi.com/skipAwait': 'true'}), "
    "spec=pods('skipped')['spec'], opts=inside)",
    "Deployment without pods": "k.apps.v1.Deployment('idle', metadata=meta('idle'), "
    "spec={'replicas': 0, **chosen('idle')}, opts=inside)",
}
"""What is ready once the server has it, whatever becomes of pods."""


def _program(space: str, *declared: str, seconds: str = "120s") -> str:
    return HEAD.replace("{space}", space).replace("{seconds}", seconds) + "\n".join(declared) + "\n"


class _Kubelet:
    """Says of every pod of a namespace that it runs and is ready, of a Job's that it is done; and what else is said of
    what nobody here makes: an address, a condition. One that is not ``well`` says that pods run and are not ready."""

    def __init__(self, plane: ControlPlane, space: str, well: bool) -> None:
        self._plane, self._space, self._well, self._ended = plane, space, well, threading.Event()

    def look(self) -> None:
        """One round."""
        for pod in self._items(f"/api/v1/namespaces/{self._space}/pods"):
            app = (pod["metadata"].get("labels") or {}).get("app", "")
            done = "Failed" if app == "failing" else "Succeeded" if app in ("job", "done") and self._well else ""
            phase = done or "Running"
            if (pod.get("status") or {}).get("phase") != phase and app not in ("", "replicas", "skipped"):
                self._status("pods", pod["metadata"]["name"], _pod_status(phase, self._well and phase == "Running"))
        if not self._well:
            return
        for service in self._items(f"/api/v1/namespaces/{self._space}/services"):
            if service["spec"].get("type") == "LoadBalancer":
                self._status("services", "balancer", {"loadBalancer": {"ingress": [{"ip": "10.0.0.9"}]}})
        settings = f"/api/v1/namespaces/{self._space}/configmaps/condition"
        if self._plane.ask(settings):
            self._plane.ask(f"{settings}?fieldManager=someone", "PATCH", {"data": {"lit": "yes"}}, MERGE)

    def run(self) -> None:
        """Rounds until the end. What comes and goes between two requests is looked at again."""
        while not self._ended.wait(0.5):
            try:
                self.look()
            except (AssertionError, OSError):
                continue

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()

    def _items(self, path: str) -> list[dict[str, Any]]:
        return list((self._plane.ask(path) or {}).get("items") or [])

    def _status(self, what: str, name: str, status: dict[str, Any]) -> None:
        path = f"/api/v1/namespaces/{self._space}/{what}/{name}/status"
        self._plane.ask(path, "PATCH", {"status": status}, MERGE)


def _pod_status(phase: str, ready: bool) -> dict[str, Any]:
    code = {"Succeeded": 0, "Failed": 1}.get(phase)
    conditions = [{"type": kind, "status": str(ready)} for kind in ("Ready", "ContainersReady")]
    running = {"running": {"startedAt": "2026-11-30T00:00:00Z"}} if code is None else {"terminated": {"exitCode": code}}
    container = {"name": "c", "image": "c", "imageID": "", "ready": ready, "restartCount": 0, "state": running}
    return {
        "phase": phase,
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Initialized", "status": "True"},
            *conditions,
        ],
        "containerStatuses": [container],
        "podIP": "10.0.0.5",
        "podIPs": [{"ip": "10.0.0.5"}],
    }


@contextmanager
def _kubelet(plane: ControlPlane, space: str, *, well: bool = True) -> Iterator[_Kubelet]:
    kubelet = _Kubelet(plane, space, well)
    thread = threading.Thread(target=kubelet.run, daemon=True)
    thread.start()
    try:
        yield kubelet
    finally:
        kubelet.end()
        thread.join(10)


@pytest.fixture(scope="module")
def around(plane: ControlPlane) -> Iterator[None]:
    """A node for the DaemonSet, a volume for the claim and its class."""
    named: Callable[[str], dict[str, Any]] = lambda name: {"metadata": {"name": name}}  # noqa: E731
    plane.ask("/api/v1/nodes", "POST", named("ready-1"))
    late = {**named("by-hand"), "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "Immediate"}
    plane.ask("/apis/storage.k8s.io/v1/storageclasses", "POST", late)
    yield
    plane.ask("/api/v1/nodes/ready-1", "DELETE")
    plane.ask("/apis/storage.k8s.io/v1/storageclasses/by-hand", "DELETE")


def _volume(plane: ControlPlane) -> None:
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "by-hand",
        "hostPath": {"path": "/nowhere"},
        "persistentVolumeReclaimPolicy": "Retain",
        # And no other claim that waits for one.
        "claimRef": {"namespace": "ready-kinds", "name": "claim"},
    }
    plane.ask("/api/v1/persistentvolumes", "POST", {"metadata": {"name": "by-hand"}, "spec": spec})


@pytest.fixture(scope="module")
def stuck(plane: ControlPlane, around: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, str]]:
    """All of them where no pod is ready: what ``up`` said at their deadline."""
    stack = Stack(tmp_path_factory.mktemp("stuck") / "stack", plane.kubeconfig)
    waited = [each for kind, each in KINDS.items() if kind not in PATIENT]
    declared = [*waited, *FAILING.values(), *AT_ONCE.values()]
    with _kubelet(plane, "stuck-kinds", well=False):
        stack.write(_program("stuck-kinds", *declared, seconds=SECONDS))
        # All at once, and those behind one that fails too.
        words = ("up", "--yes", "--diff", "--skip-preview", "--parallel", "50", "--continue-on-error")
        said = stack.pulumi(*words, fails=True)
    yield stack, said
    stack.pulumi("destroy", "--yes")


@pytest.fixture(scope="module")
def ready(plane: ControlPlane, around: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same where pods run."""
    stack = Stack(tmp_path_factory.mktemp("ready") / "stack", plane.kubeconfig)
    _volume(plane)
    with _kubelet(plane, "ready-kinds"):
        yield stack.up(_program("ready-kinds", *KINDS.values(), *AT_ONCE.values()))
        stack.pulumi("destroy", "--yes")
    plane.ask("/api/v1/persistentvolumes/by-hand", "DELETE")


def _name(declared: str) -> str:
    found = re.search(r"\('(\w+)'", declared)
    assert found
    return found[1]


REASONS = {
    "Deployment": "timed out waiting to be Ready",
    "StatefulSet": "timed out waiting to be Ready",
    "DaemonSet": "timed out waiting for the condition",
    "Job": "timed out waiting to be Ready",
    "Pod": "timed out waiting to be Ready",
    "Service": "timed out waiting to be Ready",
    "LoadBalancer": "timed out waiting to be Ready",
    "Pod that ends": "timed out waiting to be Ready",
    "condition": "timed out waiting for the condition",
    "suspended Job": "timed out waiting to be Ready",
    "failed Job": "failed",
    "failed Pod": "failed",
    "Deployment that is stuck": "failed",
}
"""What is said of each at its deadline."""


@pytest.mark.parametrize("kind", REASONS)
def test_what_is_not_ready_fails_at_its_deadline(stuck: tuple[Stack, str], kind: str) -> None:
    stack, said = stuck
    name = _name({**KINDS, **FAILING}[kind])
    assert re.search(rf"{name}\W.*{REASONS[kind]}", said), said
    # It is in the state, so that the next run goes on from there.
    assert f"::{name}" in stack.state


@pytest.mark.parametrize("kind", AT_ONCE)
def test_what_is_ready_at_once_is_not_waited_for(stuck: tuple[Stack, str], kind: str) -> None:
    failed = re.findall(r'::(\w+)" was successfully created, but', stuck[1])
    assert "deployment" in failed
    assert _name(AT_ONCE[kind]) not in failed, stuck[1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_becomes_ready_is_waited_for_and_no_longer(ready: str, kind: str) -> None:
    assert counts(ready)["created"] == len(KINDS) + len(AT_ONCE) + 3, ready
    assert f"::{_name(KINDS[kind])}]" in ready, ready


def test_a_condition_may_be_asked_for(plane: ControlPlane, ready: str) -> None:
    assert plane.ask("/api/v1/namespaces/ready-kinds/configmaps/condition")["data"] == {"a": "1", "lit": "yes"}


def test_a_server_that_restarts_meanwhile_is_waited_for(plane: ControlPlane, tmp_path: Path) -> None:
    """And the deadline stands."""
    stack = Stack(tmp_path / "stack", plane.kubeconfig)
    stack.write(_program("restarted", KINDS["Deployment"]))
    with stack.running("up", "--yes", "--skip-preview") as process:
        plane.wait_for("/apis/apps/v1/namespaces/restarted/deployments/deployment")
        plane.stop_server()
        plane.start_server()
        with _kubelet(plane, "restarted"):
            said, _ = process.communicate(timeout=patience(150))
            assert process.returncode == 0, said
            stack.pulumi("destroy", "--yes")

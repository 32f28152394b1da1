"""A platform that the plugin of before has delivered is taken over: nothing is replaced, and then nothing changes.

``former/platform.json`` is what that plugin, at 8bb8404, left of this very program: the stack as Pulumi exports it, its
secrets encrypted by the tests' passphrase. What it had made on the cluster is made as it says.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane
from stack import Stack, counts

from greenfield.cli import former_plugin

PROVES = ("platform/taken-over",)
ORDER = 35

FORMER = Path(__file__).parent / "former" / "platform.json"
CASE = Path(__file__).parents[1] / "spec_cases" / "platform-valid"
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
OURS = {"key": "dedicated", "effect": "NoSchedule", "value": "front"}

PROGRAM = f"""
import dataclasses, os
from pathlib import Path
import pulumi
from greenfield.platform import Node, Platform, PlatformArgs
from greenfield.spec import collect
spec, problems, _ = collect([Path({str(CASE)!r})], standards=Path({str(CASE.parent / "standards")!r}))
said = spec.platforms["apps"]
nodes = [Node("r1-h1", "control", "r1", "lab"), Node("r2-h1", "workers", "r2", "lab")]
web = said.workloads["web"]
deployment = web.objects[0]
room = {{"requests": {{"storage": "1Gi"}}}}
claim = {{"accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": room}}
backend = {{"service": {{"name": "web", "port": {{"number": 80}}}}}}
def of(kind, version="v1", **content):
    return {{"apiVersion": version, "kind": kind, "metadata": {{"name": "web"}}, **content}}
objects = (
    # Pods never run here, so there are none.
    {{**deployment, "spec": {{**deployment["spec"], "replicas": 0}}}},
    of("Service", spec={{"clusterIP": "None", "selector": {{"app": "web"}}, "ports": [{{"port": 80}}]}}),
    of("ConfigMap", data={{"colour": "green"}}),
    of("Secret", data={{"word": "eHl6enk="}}),
    of("PersistentVolumeClaim", spec=claim),
    of("Ingress", "networking.k8s.io/v1", spec={{"defaultBackend": backend}}),
)
said = dataclasses.replace(said, workloads={{"web": dataclasses.replace(web, objects=objects)}})
Platform("apps", PlatformArgs(said, nodes, os.environ["TEST_KUBECONFIG"], "lab/orders/k8s"))
"""


def _resources() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(FORMER.read_text())["deployment"]["resources"]
    return [each for each in found if each["type"].startswith("kubernetes:")]


@pytest.fixture
def cluster(plane: ControlPlane) -> ControlPlane:
    """With two nodes as kubelets register them, and all that the plugin of before had made."""
    for name, taints in (("r1-h1", [CONTROL_PLANE]), ("r2-h1", [])):
        if plane.ask(f"/api/v1/nodes/{name}") is None:
            plane.ask("/api/v1/nodes", "POST", {"metadata": {"name": name}, "spec": {"taints": taints}})
    for each in _resources():
        _make(plane, each["inputs"], each["outputs"]["__fieldManager"])
    return plane


def _make(plane: ControlPlane, inputs: dict[str, Any], manager: str) -> None:
    """As that plugin did: server-side apply, but for taints."""
    inputs, taints = json.loads(json.dumps(inputs)), None
    if inputs["kind"] == "Node" and "spec" in inputs:
        taints = inputs.pop("spec")["taints"]
    if inputs["kind"] == "Secret":
        inputs["data"] = {"word": "eHl6enk="}
    path = _path(inputs)
    plane.ask(f"{path}?fieldManager={manager}&force=true", "PATCH", inputs, APPLY)
    if taints:
        plane.ask(f"{path}?fieldManager={manager}", "PATCH", {"spec": {"taints": taints}}, MERGE)


def _path(found: dict[str, Any]) -> str:
    version, metadata = found["apiVersion"], found["metadata"]
    kind = found["kind"].lower()
    plural = re.sub("y$", "ie", kind) if kind.endswith("cy") else f"{kind}e" if kind.endswith("ss") else kind
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    space = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{group}{space}/{plural}s/{metadata['name']}"


def test_a_platform_of_the_plugin_of_before_is_taken_over(cluster: ControlPlane, stack: Stack) -> None:
    before = {_path(each["inputs"]): cluster.ask(_path(each["inputs"]))["metadata"]["uid"] for each in _resources()}
    exported = json.loads(FORMER.read_text())
    assert former_plugin.hand_over(exported["deployment"])
    file = stack.folder / "state.json"
    file.write_text(json.dumps(exported))
    stack.pulumi("stack", "import", "--file", str(file))
    stack.write(PROGRAM)
    said = stack.pulumi("preview", "--diff")
    assert "replace" not in said, said
    assert "to delete" not in said, said

    found = counts(stack.up())
    assert found.keys() <= {"created", "updated", "unchanged"}, found
    # What takes care of taints and names is new; every object is the one that stood there.
    assert found["created"] == 2
    assert {path: cluster.ask(path)["metadata"]["uid"] for path in before} == before
    assert list(counts(stack.up())) == ["unchanged"]
    assert list(counts(stack.pulumi("refresh", "--yes"))) == ["unchanged"]
    managers = {each["outputs"]["__fieldManager"] for each in _resources()}
    kept = [each["outputs"] for each in stack.resources() if each["type"].startswith("kubernetes:")]
    assert {each["__fieldManager"] for each in kept} == managers
    assert OURS in cluster.ask("/api/v1/nodes/r2-h1")["spec"]["taints"]

    stack.pulumi("destroy", "--yes")
    assert cluster.ask("/api/v1/namespaces/shop") is None
    assert OURS not in (cluster.ask("/api/v1/nodes/r2-h1")["spec"].get("taints") or [])
    assert CONTROL_PLANE in cluster.ask("/api/v1/nodes/r1-h1")["spec"]["taints"]


def test_on_a_backend_of_ones_own_a_refresh_does_the_same(cluster: ControlPlane, stack: Stack) -> None:
    exported = json.loads(FORMER.read_text())
    for each in exported["deployment"]["resources"]:
        if each["type"] == "pulumi:providers:kubernetes":
            # That of the cluster, which the test's is not.
            each["inputs"]["kubeconfig"] = each["outputs"]["kubeconfig"] = cluster.kubeconfig
    file = stack.folder / "state.json"
    file.write_text(json.dumps(exported))
    stack.pulumi("stack", "import", "--file", str(file))
    stack.write(PROGRAM)
    stack.pulumi("refresh", "--yes")
    assert counts(stack.up()).keys() <= {"created", "updated", "unchanged"}
    assert list(counts(stack.up())) == ["unchanged"]
    stack.pulumi("destroy", "--yes")

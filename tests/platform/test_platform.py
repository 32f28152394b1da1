"""A platform from its spec on a real API server, whose nodes are only objects here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane
from stack import Stack, counts

from greenfield.spec import collect

PROVES = ("platform/components",)
ORDER = 30

CASE = Path(__file__).parents[1] / "spec_cases" / "platform-valid"
STANDARDS = CASE.parent / "standards"
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}

HEAD = """
import dataclasses, os
from pathlib import Path
import pulumi
from greenfield.platform import Node, Platform, PlatformArgs
from greenfield.spec import collect
spec, problems, _ = collect([Path({case!r})], standards=Path({standards!r}))
assert not problems
said = spec.platforms["apps"]
nodes = [Node("r1-h1", "control", "r1", "lab"), Node("r2-h1", "workers", "r2", "lab")]
"""

PROGRAM = f"""{HEAD.format(case=str(CASE), standards=str(STANDARDS))}
web = said.workloads["web"]
# Pods never run here, so there are none.
deployment = web.objects[0]
idle = ({{**deployment, "spec": {{**deployment["spec"], "replicas": 0}}}},)
said = dataclasses.replace(said, workloads={{"web": dataclasses.replace(web, objects=idle)}})
made = Platform("apps", PlatformArgs(said, nodes, os.environ["TEST_KUBECONFIG"], "lab/orders/k8s"))
pulumi.export("namespaces", made.namespaces)
pulumi.export("nodes", made.nodes)
"""


@pytest.fixture(scope="module")
def nodes(plane: ControlPlane) -> None:
    """Two nodes as kubelets register them, one with kubeadm's taint."""
    for name, taints in (("r1-h1", [CONTROL_PLANE]), ("r2-h1", [])):
        body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"taints": taints}}
        plane.ask("/api/v1/nodes", "POST", body)


def _taints(plane: ControlPlane, node: str) -> set[tuple[str, str]]:
    """Taints of a node but those that the node controller sets and lifts as it sees fit."""
    found = plane.ask(f"/api/v1/nodes/{node}")["spec"].get("taints") or []
    return {(each["key"], each["effect"]) for each in found if not each["key"].startswith("node.kubernetes.io/")}


@pytest.mark.usefixtures("nodes")
def test_a_platform_stands_is_left_alone_and_goes(plane: ControlPlane, stack: Stack) -> None:
    assert collect([CASE], standards=STANDARDS)[1] == []
    stack.up(PROGRAM)
    _nodes_and_classes(plane)
    _tenant(plane)
    deployment = plane.ask("/apis/apps/v1/namespaces/shop/deployments/web")
    assert deployment["metadata"]["annotations"]["pulumi.com/timeoutSeconds"] == "300"
    assert json.loads(stack.pulumi("stack", "output", "namespaces", "--json")) == {"shop": "shop", "edge": "edge"}
    assert plane.token not in stack.state

    again = counts(stack.up())
    assert list(again) == ["unchanged"], again
    assert list(counts(stack.pulumi("refresh", "--yes"))) == ["unchanged"]
    assert list(counts(stack.up())) == ["unchanged"]

    # What someone takes from it is set back without asking: a platform owns what it declares.
    merge = "application/merge-patch+json"
    quota = "/api/v1/namespaces/shop/resourcequotas/quota"
    plane.ask(f"{quota}?fieldManager=someone", "PATCH", {"spec": {"hard": {"pods": "5000"}}}, merge)
    plane.ask("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/deny-all", "DELETE")
    stack.pulumi("refresh", "--yes")
    said = stack.up()
    assert counts(said).items() >= {"created": 1, "updated": 1}.items(), said
    assert plane.ask(quota)["spec"]["hard"]["pods"] == "50"
    assert plane.ask("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/deny-all")

    stack.pulumi("destroy", "--yes")
    assert plane.ask("/api/v1/namespaces/shop") is None
    assert plane.ask("/api/v1/persistentvolumes/fast-r2-h1") is None
    node = plane.ask("/api/v1/nodes/r2-h1")
    assert "greenfield.io/pool" not in node["metadata"].get("labels", {})
    assert (_taints(plane, "r1-h1"), _taints(plane, "r2-h1")) == ({tuple(CONTROL_PLANE.values())}, set())


def _nodes_and_classes(plane: ControlPlane) -> None:
    labels = plane.ask("/api/v1/nodes/r2-h1")["metadata"]["labels"]
    assert (
        labels.items()
        >= {
            "topology.kubernetes.io/zone": "r2",
            "topology.kubernetes.io/region": "lab",
            "greenfield.io/pool": "workers",
            "tier": "front",
        }.items()
    )
    assert _taints(plane, "r1-h1") == {tuple(CONTROL_PLANE.values())}
    assert _taints(plane, "r2-h1") == {("dedicated", "NoSchedule")}
    batch = plane.ask("/apis/scheduling.k8s.io/v1/priorityclasses/batch")
    assert (batch["value"], batch["globalDefault"], batch["preemptionPolicy"]) == (-10, True, "Never")
    volume = plane.ask("/api/v1/persistentvolumes/fast-r2-h1")["spec"]
    assert (volume["capacity"], volume["local"]["path"]) == ({"storage": "10Gi"}, "/data/volumes/fast")
    assert plane.ask("/apis/storage.k8s.io/v1/storageclasses/shared")["reclaimPolicy"] == "Delete"


def _tenant(plane: ControlPlane) -> None:
    labels = plane.ask("/api/v1/namespaces/shop")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    hard = plane.ask("/api/v1/namespaces/shop/resourcequotas/quota")["spec"]["hard"]
    assert hard == {
        "requests.cpu": "8",
        "requests.memory": "16Gi",
        "requests.storage": "100Gi",
        "persistentvolumeclaims": "10",
        "pods": "50",
    }
    policies = plane.ask("/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies")["items"]
    names = {each["metadata"]["name"] for each in policies}
    assert names == {"deny-all", "allow-dns", "allow-inside", "from-edge"}
    bindings = plane.ask("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings")["items"]
    assert {each["roleRef"]["name"]: each["subjects"][0]["name"] for each in bindings} == {
        "admin": "shop-leads",
        "edit": "shop-developers",
        "view": "support",
    }
    assert _may(plane, "shop-developers", "shop", "create", "deployments")
    assert not _may(plane, "shop-developers", "edge", "create", "deployments")
    assert not _may(plane, "support", "shop", "create", "deployments")


def _may(plane: ControlPlane, group: str, namespace: str, verb: str, resource: str) -> Any:
    what = {"namespace": namespace, "verb": verb, "group": "apps", "resource": resource}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "someone", "groups": [group], "resourceAttributes": what},
    }
    answer = plane.ask("/apis/authorization.k8s.io/v1/subjectaccessreviews", "POST", body)
    return answer["status"]["allowed"]


CHARTED = """{head}
said = dataclasses.replace(said, workloads={{"cart": said.workloads["cart"]}})
Platform("apps", PlatformArgs(said, nodes, os.environ["TEST_KUBECONFIG"], "lab/orders/k8s"))
"""


@pytest.mark.usefixtures("nodes")
def test_a_chart_is_a_workload_like_any_other(plane: ControlPlane, stack: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "spec"
    shutil.copytree(CASE, folder)
    text = (CASE / "platform.yaml").read_text()
    cart = "    cart: {tenant: shop, chart: cart, values: {colour: green}}\n"
    (folder / "platform.yaml").write_text(text.replace("  workloads:\n", f"  workloads:\n{cart}"))
    (folder / "cart" / "templates").mkdir(parents=True)
    (folder / "cart" / "Chart.yaml").write_text("apiVersion: v2\nname: cart\nversion: 1.0.0\n")
    (folder / "cart" / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n"
        "data: {colour: {{ .Values.colour }}, by: {{ .Release.Service }}}\n"
    )
    stack.up(CHARTED.format(head=HEAD.format(case=str(folder), standards=str(STANDARDS))))
    assert plane.ask("/api/v1/namespaces/shop/configmaps/cart")["data"] == {"colour": "green", "by": "Helm"}
    assert list(counts(stack.up())) == ["unchanged"]

    (folder / "platform.yaml").write_text(
        (folder / "platform.yaml").read_text().replace("colour: green", "colour: blue")
    )
    assert counts(stack.up()).items() >= {"updated": 1}.items()
    assert plane.ask("/api/v1/namespaces/shop/configmaps/cart")["data"]["colour"] == "blue"
    stack.pulumi("destroy", "--yes")
    assert plane.ask("/api/v1/namespaces/shop") is None

"""An object's life by the official plugin, with the real engine, the real SDK and a real API server."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from control_plane import ControlPlane
from patience import patience
from stack import Stack, counts

PROVES = ("platform/objects",)
ORDER = 10

MERGE = "application/merge-patch+json"

HEAD = """
import os
import pulumi
import pulumi_kubernetes as k
provider = k.Provider("cluster", kubeconfig=pulumi.Output.secret(os.environ["TEST_KUBECONFIG"]))
on = pulumi.ResourceOptions(provider=provider)
space = k.core.v1.Namespace("space", metadata={"name": "{space}"}, opts=on)
"""

CONTENT = """
there = space.metadata.name
settings = k.core.v1.ConfigMap("settings", metadata={"namespace": there}, data={"colour": "blue"}, opts=on)
secret = k.core.v1.Secret(
    "secret", metadata={"name": "word", "namespace": space.metadata.name}, string_data={"word": "xyzzy-plugh"}, opts=on
)
kind = k.apiextensions.v1.CustomResourceDefinition("kind", metadata={"name": "lamps.test.greenfield.io"}, spec={
    "group": "test.greenfield.io", "scope": "Namespaced",
    "names": {"plural": "lamps", "singular": "lamp", "kind": "Lamp"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": {"type": "object", "properties": {"watts": {"type": "integer"}}}}}}}],
}, opts=on)
lamp = k.apiextensions.CustomResource(
    "lamp", "test.greenfield.io/v1", "Lamp", spec={"watts": 40},
    metadata={"name": "lamp", "namespace": there}, opts=pulumi.ResourceOptions(provider=provider, depends_on=[kind])
)
group = k.yaml.ConfigGroup("group", yaml=[\"\"\"
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ServiceAccount, metadata: {name: runner, namespace: {space}}}
---
apiVersion: v1
kind: Service
metadata: {name: out, namespace: {space}}
spec: {type: ExternalName, externalName: example.org}
\"\"\"], opts=pulumi.ResourceOptions(provider=provider, depends_on=[space]))
pulumi.export("settings", settings.metadata.name)
"""

SHOP = """
def shop(replicas, app, seconds="600s"):
    labels, waits = {"app": app}, pulumi.CustomTimeouts(create=seconds, update=seconds)
    return k.apps.v1.Deployment("shop", metadata={"name": "shop", "namespace": space.metadata.name}, spec={
        "replicas": replicas, "selector": {"match_labels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [
            {"name": "shop", "image": "registry.example.org/shop:1", "resources": {"requests": {"cpu": "1000m"}}}]}},
    }, opts=pulumi.ResourceOptions(provider=provider, custom_timeouts=waits))
"""


def _program(space: str, *parts: str) -> str:
    return "".join([HEAD, *parts]).replace("{space}", space)


def test_a_life(plane: ControlPlane, stack: Stack) -> None:
    """Made, left alone, changed, made anew, drifted, mended, taken away."""
    program = _program("life", CONTENT, SHOP, "shop(0, 'shop')\n")
    said = stack.up(program, preview=True)
    assert counts(said)["created"] == 11, said
    assert plane.ask("/apis/test.greenfield.io/v1/namespaces/life/lamps/lamp")["spec"] == {"watts": 40}
    assert plane.ask("/api/v1/namespaces/life/serviceaccounts/runner")
    assert plane.ask("/api/v1/namespaces/life/secrets/word")["data"] == {"word": "eHl6enktcGx1Z2g="}
    for secret in ("xyzzy-plugh", "eHl6enktcGx1Z2g", plane.token):
        assert secret not in stack.state

    assert counts(stack.up(preview=True)) == {"unchanged": 11}

    said = stack.up(program.replace("40", "60"))
    assert (counts(said), "watts" in said) == ({"updated": 1, "unchanged": 10}, True)
    assert plane.ask("/apis/test.greenfield.io/v1/namespaces/life/lamps/lamp")["spec"] == {"watts": 60}

    before = plane.ask("/apis/apps/v1/namespaces/life/deployments/shop")["metadata"]["uid"]
    program = program.replace("40", "60").replace("shop(0, 'shop')", "shop(0, 'shop2')")
    said = stack.up(program)
    assert counts(said)["replaced"] == 1, said
    after = plane.ask("/apis/apps/v1/namespaces/life/deployments/shop")
    assert after["metadata"]["uid"] != before
    assert after["spec"]["selector"] == {"matchLabels": {"app": "shop2"}}

    _drift(plane, stack)

    stack.pulumi("destroy", "--yes")
    assert plane.ask("/api/v1/namespaces/life") is None
    assert plane.ask("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/lamps.test.greenfield.io") is None
    assert stack.resources() == []


def _drift(plane: ControlPlane, stack: Stack) -> None:
    """What someone changed or deleted is found by a refresh and mended by the next run; what others added is theirs."""
    lamp = "/apis/test.greenfield.io/v1/namespaces/life/lamps/lamp"
    name = stack.pulumi("stack", "output", "settings").strip()
    assert counts(stack.pulumi("refresh", "--yes")) == {"unchanged": 11}
    plane.ask(f"{lamp}?fieldManager=theirs", "PATCH", {"metadata": {"labels": {"theirs": "1"}}}, MERGE)
    assert counts(stack.up())["unchanged"] == 11

    plane.ask(f"{lamp}?fieldManager=someone", "PATCH", {"spec": {"watts": 99}}, MERGE)
    plane.ask(f"/api/v1/namespaces/life/configmaps/{name}", "DELETE")
    said = stack.pulumi("refresh", "--yes")
    assert counts(said) == {"updated": 1, "deleted": 1, "unchanged": 9}, said

    said = stack.up(fails=True)
    assert 'conflict with "someone"' in said, said
    assert "Server-Side Apply field conflict detected" in said

    program = (stack.folder / "__main__.py").read_text()
    said = stack.up(
        program.replace('{"name": "lamp", ', '{"name": "lamp", "annotations": {"pulumi.com/patchForce": "true"}, ')
    )
    assert counts(said).get("updated") == 1, said
    mended = plane.ask(lamp)
    assert mended["spec"] == {"watts": 60}
    assert mended["metadata"]["labels"] == {"theirs": "1"}
    name = stack.pulumi("stack", "output", "settings").strip()
    assert plane.ask(f"/api/v1/namespaces/life/configmaps/{name}")["data"] == {"colour": "blue"}
    assert counts(stack.up()) == {"unchanged": 11}


def _says(plane: ControlPlane, space: str, status: dict[str, Any]) -> None:
    """What a scheduler or a kubelet says of the only pod of a namespace, once there is one."""
    path = f"/api/v1/namespaces/{space}/pods"
    until = time.monotonic() + patience(60)
    while not (found := plane.ask(path)["items"]):
        assert time.monotonic() < until, "the pod was never made"
        time.sleep(0.2)
    plane.ask(f"{path}/{found[0]['metadata']['name']}/status", "PATCH", {"status": status}, MERGE)


def test_what_never_becomes_ready_fails_at_its_deadline_with_the_events(plane: ControlPlane, stack: Stack) -> None:
    stack.write(_program("stuck", SHOP, "shop(1, 'shop', '12s')\n"))
    with stack.running("up", "--yes", "--skip-preview") as process:
        waiting = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
        container = {"name": "shop", "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": waiting}
        plane.wait_for("/apis/apps/v1/namespaces/stuck/deployments/shop")
        so_far = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "Initialized")]
        conditions = [*so_far, {"type": "Ready", "status": "False"}]
        _says(plane, "stuck", {"phase": "Pending", "conditions": conditions, "containerStatuses": [container]})
        said, _ = process.communicate(timeout=patience(120))
    assert process.returncode != 0
    for words in (
        "'shop' timed out waiting to be Ready",
        "[MinimumReplicasUnavailable] Deployment does not have minimum availability",
        "Minimum number of live Pods was not attained",
        "[ErrImagePull] no such image",
    ):
        assert words in said, said
    assert plane.ask("/apis/apps/v1/namespaces/stuck/deployments/shop")

    # It is in the state, so that the next run goes on from there.
    said = stack.up(_program("stuck", SHOP, "shop(0, 'shop', '60s')\n"))
    assert counts(said)["updated"] == 1, said
    assert plane.ask("/apis/apps/v1/namespaces/stuck/deployments/shop")["spec"]["replicas"] == 0
    stack.pulumi("destroy", "--yes")
    assert plane.ask("/api/v1/namespaces/stuck") is None


def test_a_preview_says_what_the_server_would(plane: ControlPlane, stack: Stack) -> None:
    program = _program(
        "seen",
        "k.core.v1.Service('s', metadata={'name': 's', 'namespace': 'default'}, "
        "spec={'type': 'ClusterIP', 'ports': [{'port': 70000}]}, opts=on)\n",
    )
    stack.write(program)
    said = stack.pulumi("preview", fails=True)
    assert 'Service "s" is invalid' in said, said
    assert "70000: must be between 1 and 65535" in said
    stack.write(program.replace("70000", "70"))
    stack.pulumi("preview")
    assert plane.ask("/api/v1/namespaces/seen") is None
    assert plane.ask("/api/v1/namespaces/default/services/s") is None


def test_a_cluster_that_does_not_answer_can_be_previewed_but_not_changed(plane: ControlPlane, tmp_path: Path) -> None:
    """With the plugin found on PATH."""
    stack = Stack(tmp_path / "stack", plane.kubeconfig.replace("127.0.0.1", "127.0.0.2"), named=False)
    stack.write(_program("nowhere"))
    stack.pulumi("preview")
    said = stack.up(fails=True)
    assert "configured Kubernetes cluster is unreachable" in said, said
    assert "127.0.0.2" in said


TAKEN = """
import os
import pulumi
import pulumi_kubernetes as k
from greenfield.resources.custom import Names
kubeconfig = pulumi.Output.secret(os.environ["TEST_KUBECONFIG"])
provider = k.Provider("cluster", kubeconfig=kubeconfig)
free = Names("names", {"kubeconfig": kubeconfig, "namespaces": ["by-hand"]})
after = pulumi.ResourceOptions(provider=provider, depends_on=[free])
k.core.v1.Namespace("space", metadata={"name": "by-hand"}, opts=after)
"""

DECLARED = """
k.core.v1.ConfigMap("c", metadata={"name": "theirs", "namespace": "by-hand"}, data={"a": "2"}, opts=on)
"""


def test_what_is_there_already_is_not_taken(plane: ControlPlane, stack: Stack) -> None:
    """A tenant's namespace is nobody else's, and a field that someone else has written is not overwritten unasked."""
    plane.ask("/api/v1/namespaces?fieldManager=hand", "POST", {"metadata": {"name": "by-hand"}})
    said = stack.up(TAKEN, fails=True)
    assert "namespaces of tenants that no stack has made: by-hand" in said, said
    there = plane.ask("/api/v1/namespaces/by-hand")["metadata"]
    assert "pulumi" not in str(there["managedFields"])

    content = {"metadata": {"name": "theirs"}, "data": {"a": "1"}}
    plane.ask("/api/v1/namespaces/by-hand/configmaps?fieldManager=hand", "POST", content)
    said = stack.up(HEAD.partition("space = ")[0] + DECLARED, fails=True)
    assert 'conflict with "hand"' in said, said
    plane.ask("/api/v1/namespaces/by-hand", "DELETE")


def test_what_is_held_is_not_gone_at_the_deadline(plane: ControlPlane, stack: Stack) -> None:
    held = (
        "k.core.v1.ConfigMap('held', metadata={'name': 'held', 'namespace': space.metadata.name, "
        "'finalizers': ['test.greenfield.io/hold']}, opts=pulumi.ResourceOptions(provider=provider, "
        "custom_timeouts=pulumi.CustomTimeouts(delete='3s')))\n"
    )
    stack.up(_program("held", held))
    said = stack.pulumi("destroy", "--yes", fails=True)
    assert "finalizers might be preventing deletion (test.greenfield.io/hold)" in said, said
    assert "timed out waiting for the condition" in said
    path = "/api/v1/namespaces/held/configmaps/held"
    plane.ask(path, "PATCH", {"metadata": {"finalizers": None}}, MERGE)
    stack.pulumi("destroy", "--yes")
    assert plane.ask("/api/v1/namespaces/held") is None


def test_an_interrupted_wait_keeps_what_was_made(plane: ControlPlane, stack: Stack) -> None:
    stack.write(_program("broken", SHOP, "shop(1, 'shop')\n"))
    with stack.running("up", "--yes", "--skip-preview") as process:
        plane.wait_for("/apis/apps/v1/namespaces/broken/deployments/shop")
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=patience(60))
    assert process.returncode != 0
    assert 'Resource operation was cancelled for "shop"' in said, said
    said = stack.up(_program("broken", SHOP, "shop(0, 'shop')\n"))
    assert counts(said)["updated"] == 1, said
    stack.pulumi("destroy", "--yes")

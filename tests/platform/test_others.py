"""What others do meanwhile, and what only looks like something else."""

from __future__ import annotations

from control_plane import ControlPlane
from patience import patience
from stack import Stack, counts

PROVES = ("platform/others",)
ORDER = 25

HEAD = """
import os
import pulumi
import pulumi_kubernetes as k
provider = k.Provider("cluster", kubeconfig=pulumi.Output.secret(os.environ["TEST_KUBECONFIG"]))
on = pulumi.ResourceOptions(provider=provider)
"""

SETTINGS = 'k.core.v1.ConfigMap("c", metadata={"name": "c", "namespace": "default"}, data={"a": "MQ=="}, opts=on)\n'

LOOKS_LIKE = """
kind = k.apiextensions.v1.CustomResourceDefinition("kind", metadata={"name": "deployments.others.greenfield.io"}, spec={
    "group": "others.greenfield.io", "scope": "Namespaced",
    "names": {"plural": "deployments", "singular": "deployment", "kind": "Deployment"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": {"type": "object", "properties": {"watts": {"type": "integer"}}}}}}}],
}, opts=on)
k.apiextensions.CustomResource(
    "lamp", "others.greenfield.io/v1", "Deployment", spec={"watts": 40},
    metadata={"name": "lamp", "namespace": "default"},
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[kind])
)
"""

WAITED = """
labels = {"app": "web"}
k.apps.v1.Deployment("web", metadata={"name": "web", "namespace": "default"}, spec={
    "replicas": 1, "selector": {"match_labels": labels}, "template": {"metadata": {"labels": labels}, "spec": {
        "containers": [{"name": "web", "image": "registry.example.org/web:1"}]}},
}, opts=pulumi.ResourceOptions(provider=provider, custom_timeouts=pulumi.CustomTimeouts(create="12s")))
"""


def test_another_kind_is_another_object(plane: ControlPlane, stack: Stack) -> None:
    """Kind and group are part of the resource's type."""
    stack.up(HEAD + SETTINGS)
    said = counts(stack.up(HEAD + SETTINGS.replace("ConfigMap", "Secret")))
    assert (said["created"], said["deleted"]) == (1, 1)
    assert plane.ask("/api/v1/namespaces/default/secrets/c")["data"] == {"a": "MQ=="}
    assert plane.ask("/api/v1/namespaces/default/configmaps/c") is None
    stack.pulumi("destroy", "--yes")


def test_a_custom_resource_called_like_a_kind_of_kubernetes_is_not_one(plane: ControlPlane, stack: Stack) -> None:
    """It is not waited for; and its definition, which is made in the same run, is there in time."""
    assert counts(stack.up(HEAD + LOOKS_LIKE))["created"] == 4
    path = "/apis/others.greenfield.io/v1/namespaces/default/deployments/lamp"
    assert plane.ask(path)["spec"] == {"watts": 40}
    assert [each["id"] for each in stack.resources() if each["type"].endswith(":Deployment")] == ["default/lamp"]
    stack.pulumi("destroy", "--yes")


def test_what_is_deleted_while_it_is_waited_for_is_made_again(plane: ControlPlane, stack: Stack) -> None:
    """The run ends at its deadline; a refresh sees that it is gone."""
    stack.write(HEAD + WAITED)
    path = "/apis/apps/v1/namespaces/default/deployments/web"
    with stack.running("up", "--yes", "--skip-preview") as process:
        plane.wait_for(path)
        plane.ask(path, "DELETE")
        said, _ = process.communicate(timeout=patience(120))
    assert process.returncode != 0, said
    assert counts(stack.pulumi("refresh", "--yes"))["deleted"] == 1
    assert counts(stack.up(HEAD + WAITED.replace('"replicas": 1', '"replicas": 0')))["created"] == 1
    assert plane.ask(path)["spec"]["replicas"] == 0
    stack.pulumi("destroy", "--yes")


def test_what_has_taken_the_name_goes_by_it(plane: ControlPlane, stack: Stack) -> None:
    """Names are what the plugin deletes by, so that one is better not given to something else by hand."""
    stack.up(HEAD + SETTINGS)
    path = "/api/v1/namespaces/default/configmaps"
    plane.ask(f"{path}/c", "DELETE")
    plane.ask(path, "POST", {"metadata": {"name": "c"}, "data": {"other": "1"}})
    stack.pulumi("destroy", "--yes")
    assert plane.ask(f"{path}/c") is None

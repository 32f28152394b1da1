"""Where objects lie, what was there before, and what charts and folders of a program give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from control_plane import ControlPlane
from stack import Stack, counts

PROVES = ("platform/places",)
ORDER = 20

HEAD = """
import os
import pulumi
import pulumi_kubernetes as k
provider = k.Provider("cluster", kubeconfig=pulumi.Output.secret(os.environ["TEST_KUBECONFIG"]))
on = pulumi.ResourceOptions(provider=provider)
"""

KIND = """
kind = k.apiextensions.v1.CustomResourceDefinition("kind", metadata={"name": "suns.places.greenfield.io"}, spec={
    "group": "places.greenfield.io", "scope": "Cluster",
    "names": {"plural": "suns", "singular": "sun", "kind": "Sun"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": {"type": "object", "properties": {"class": {
            "type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "class is immutable"}]
        }}}}}}}],
}, opts=on)
sun = k.apiextensions.CustomResource(
    "sun", "places.greenfield.io/v1", "Sun", spec={"class": "G2"}, metadata={"name": "sun"},
    opts=pulumi.ResourceOptions(provider=provider, depends_on=[kind])
)
"""


def test_the_contexts_own_namespace_is_the_default(plane: ControlPlane, stack: Stack) -> None:
    plane.ask("/api/v1/namespaces", "POST", {"metadata": {"name": "own"}})
    kubeconfig = json.loads(stack.kubeconfig)
    kubeconfig["contexts"][0]["context"]["namespace"] = "own"
    stack.environment["TEST_KUBECONFIG"] = json.dumps(kubeconfig)
    program = f"{HEAD}k.core.v1.ConfigMap('c', metadata={{'name': 'c'}}, data={{'a': '1'}}, opts=on)\n"
    stack.up(program)
    made = plane.ask("/api/v1/namespaces/own/configmaps/c")
    assert made["data"] == {"a": "1"}

    # To say where it lies already changes nothing; to name another place makes it there.
    assert "replace" not in stack.up(program.replace("'name': 'c'", "'name': 'c', 'namespace': 'own'"))
    assert plane.ask("/api/v1/namespaces/own/configmaps/c")["metadata"]["uid"] == made["metadata"]["uid"]
    said = stack.up(program.replace("'name': 'c'", "'name': 'c', 'namespace': 'default'"))
    assert counts(said)["replaced"] == 1, said
    assert plane.ask("/api/v1/namespaces/own/configmaps/c") is None
    assert plane.ask("/api/v1/namespaces/default/configmaps/c")
    stack.pulumi("destroy", "--yes")
    plane.ask("/api/v1/namespaces/own", "DELETE")


def test_a_custom_resource_of_the_whole_cluster(plane: ControlPlane, stack: Stack) -> None:
    """Only the server knows that it has no namespace, and that its field is fixed; the program says what then."""
    path = "/apis/places.greenfield.io/v1/suns/sun"
    stack.up(HEAD + KIND)
    before = plane.ask(path)["metadata"]["uid"]
    assert list(counts(stack.pulumi("refresh", "--yes"))) == ["unchanged"]
    assert list(counts(stack.up())) == ["unchanged"]
    changed = (HEAD + KIND).replace("G2", "M5")
    stack.write(changed)
    assert "class is immutable" in stack.pulumi("preview", fails=True)
    assert plane.ask(path)["metadata"]["uid"] == before
    anew = 'depends_on=[kind], replace_on_changes=["spec.class"], delete_before_replace=True'
    said = stack.up(changed.replace("depends_on=[kind]", anew))
    assert counts(said)["replaced"] == 1, said
    after = plane.ask(path)
    assert after["spec"] == {"class": "M5"}
    assert after["metadata"]["uid"] != before
    stack.pulumi("destroy", "--yes")
    assert plane.ask(path) is None


def test_what_was_there_before_can_be_imported(plane: ControlPlane, stack: Stack) -> None:
    body = {"metadata": {"name": "old", "labels": {"by": "hand"}}, "data": {"a": "1"}}
    plane.ask("/api/v1/namespaces/default/configmaps?fieldManager=hand", "POST", body)
    kubeconfig = stack.folder / "kubeconfig"
    kubeconfig.write_text(stack.kubeconfig)
    # Else another content makes it anew, and the former owner has nothing to say.
    stack.environment |= {"KUBECONFIG": str(kubeconfig), "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE": "true"}
    stack.write("")
    imported = ("kubernetes:core/v1:ConfigMap", "old", "default/old", "--protect=false", "--generate-code=false")
    stack.pulumi("import", *imported, "--yes")
    program = """
import pulumi_kubernetes as k
k.core.v1.ConfigMap("old", metadata={"name": "old", "namespace": "default", "labels": {"by": "hand"}}, data={"a": "1"})
"""
    assert list(counts(stack.up(program))) == ["unchanged"]
    said = stack.up(program.replace('"1"', '"2"'), fails=True)
    assert 'conflict with "hand"' in said, said
    forced = program.replace('"1"', '"2"').replace(
        "metadata={", 'metadata={"annotations": {"pulumi.com/patchForce": "true"}, '
    )
    stack.up(forced)
    assert plane.ask("/api/v1/namespaces/default/configmaps/old")["data"] == {"a": "2"}
    stack.pulumi("destroy", "--yes")
    assert plane.ask("/api/v1/namespaces/default/configmaps/old") is None


def test_what_a_killed_run_had_made_is_found_again(plane: ControlPlane, stack: Stack) -> None:
    """A run that is killed between making an object and noting it leaves the object without a state."""
    program = f"{HEAD}k.core.v1.Namespace('n', metadata={{'name': 'half'}}, opts=on)\n"
    stack.up(program)
    uid = plane.ask("/api/v1/namespaces/half")["metadata"]["uid"]
    stack.pulumi("stack", "rm", "test", "--yes", "--force")
    stack.pulumi("stack", "init", "test")
    assert counts(stack.up())["created"] == 3
    assert plane.ask("/api/v1/namespaces/half")["metadata"]["uid"] == uid
    stack.pulumi("destroy", "--yes")
    assert plane.ask("/api/v1/namespaces/half") is None


CHART = "apiVersion: v2\nname: cart\nversion: 1.0.0\n"


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("k.helm.v3.Release('r', chart={chart!r}, namespace='default', opts=on)", "helm.sh/v3:Release r"),
        ("k.helm.v4.Chart('c', chart={chart!r}, opts=on)", "kubernetes:core/v1:ConfigMap c:default/cart"),
        ("k.yaml.v2.ConfigGroup('g', yaml={manifest!r}, opts=on)", "kubernetes:core/v1:ConfigMap g:default/cart"),
        ("k.kustomize.Directory('d', directory={folder!r}, opts=on)", "kubernetes:core/v1:ConfigMap default/cart"),
    ],
    ids=["helm-release", "helm-chart", "yaml-v2", "kustomize"],
)
def test_charts_and_folders_of_a_program_are_covered(stack: Stack, tmp_path: Path, declared: str, kind: str) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cart, namespace: default}\n"
    chart, folder = tmp_path / "cart", tmp_path / "folder"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(CHART)
    (chart / "templates" / "map.yaml").write_text(manifest)
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("resources: [map.yaml]\n")
    (folder / "map.yaml").write_text(manifest)
    stack.write(f"{HEAD}" + declared.format(chart=str(chart), folder=str(folder), manifest=manifest) + "\n")
    said = stack.pulumi("preview")
    assert f"{kind} create" in said, said

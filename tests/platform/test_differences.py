"""What the plugin takes for a difference, which differences need a new object, and what it keeps of inputs.

By the settings of a platform where nothing else is said, and without a cluster: here it only compares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import grpc
import pytest
from plugin import NOWHERE, UNKNOWN, Plugin, running

PROVES = ("platform/differences",)
ORDER = 5

MUTABLE = {"enableConfigMapMutable": "true", "enableSecretMutable": "true"}
AUTONAMED = {"metadata": {"annotations": {"pulumi.com/autonamed": "true"}}}


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    """As a platform configures it."""
    with running(kubeconfig=json.dumps(NOWHERE), **MUTABLE) as started:
        yield started


def _of(kind: str, version: str = "v1", **content: Any) -> dict[str, Any]:
    named = {"name": "x", **content.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": named, **content}


def _type(found: dict[str, Any]) -> str:
    version = found["apiVersion"]
    return f"{version if '/' in version else f'core/{version}'}:{found['kind']}"


DEPLOYMENT = _of(
    "Deployment",
    "apps/v1",
    metadata={"labels": {"a.b/c": "1"}},
    spec={
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"spec": {"containers": [{"name": "c", "image": "x:1"}, {"name": "d", "image": "y:1"}]}},
    },
)


def test_it_is_the_release_of_its_python_package_and_knows_its_types(plugin: Plugin) -> None:
    assert plugin.version() == metadata.version("pulumi-kubernetes")
    schema = json.loads(plugin.schema())
    assert schema["version"] == plugin.version()
    assert "kubernetes:core/v1:NodePatch" in schema["resources"]


def test_paths_are_written_as_pulumi_does(plugin: Plugin) -> None:
    new = {
        **DEPLOYMENT,
        "metadata": {"name": "x", "labels": {"a.b/c": "2", "new": "1"}},
        "spec": {**DEPLOYMENT["spec"], "template": {"spec": {"containers": [{"name": "c", "image": "x:2"}]}}},
    }
    assert plugin.diff(_type(new), DEPLOYMENT, new).paths == {
        'metadata.labels["a.b/c"]': "UPDATE",
        "metadata.labels.new": "ADD",
        "spec.template.spec.containers[0].image": "UPDATE",
        "spec.template.spec.containers[1]": "DELETE",
    }


def test_the_same_inputs_have_no_difference(plugin: Plugin) -> None:
    assert not plugin.diff(_type(DEPLOYMENT), DEPLOYMENT, dict(DEPLOYMENT)).changes


def test_what_is_not_known_yet_may_differ(plugin: Plugin) -> None:
    found = plugin.diff("core/v1:ConfigMap", _of("ConfigMap", data={"k": "v"}), _of("ConfigMap", data={"k": UNKNOWN}))
    assert list(found.paths) == ["data.k"]


JOB, STATEFUL = "batch/v1", "apps/v1"


@pytest.mark.parametrize(
    ("old", "new", "fixed"),
    [
        (_of("Service"), _of("Service", metadata={"name": "y"}), True),
        (_of("Service", metadata={"namespace": "a"}), _of("Service", metadata={"namespace": "b"}), True),
        (
            _of("PodDisruptionBudget", "policy/v1beta1", spec={"minAvailable": 1}),
            _of("PodDisruptionBudget", "policy/v1", spec={"minAvailable": 1}),
            False,
        ),
        (_of("Service", spec={"clusterIP": "10.0.0.1"}), _of("Service", spec={"clusterIP": "10.0.0.2"}), True),
        (_of("Service", spec={"ports": [{"port": 1}]}), _of("Service", spec={"ports": [{"port": 2}]}), False),
        (
            _of("StatefulSet", STATEFUL, spec={"serviceName": "a"}),
            _of("StatefulSet", STATEFUL, spec={"serviceName": "b"}),
            True,
        ),
        (_of("StatefulSet", STATEFUL, spec={"replicas": 1}), _of("StatefulSet", STATEFUL, spec={"replicas": 2}), False),
        (
            _of("Job", JOB, spec={"template": {"spec": {"restartPolicy": "Never"}}}),
            _of("Job", JOB, spec={"template": {"spec": {"restartPolicy": "OnFailure"}}}),
            True,
        ),
        # Kubernetes would let it change; the plugin makes a bare Pod anew, and nobody declares those.
        (
            _of("Pod", spec={"containers": [{"name": "c", "image": "a"}]}),
            _of("Pod", spec={"containers": [{"name": "c", "image": "b"}]}),
            True,
        ),
        (_of("Pod", spec={"nodeName": "a"}), _of("Pod", spec={"nodeName": "b"}), True),
        (
            _of("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef={"name": "a"}),
            _of("RoleBinding", "rbac.authorization.k8s.io/v1", roleRef={"name": "b"}),
            True,
        ),
        (_of("ConfigMap", data={"a": "1"}), _of("ConfigMap", data={"a": "2"}), False),
        (_of("ConfigMap", data={"a": "1"}, immutable=True), _of("ConfigMap", data={"a": "2"}, immutable=True), True),
        (_of("Secret", data={"a": "MQ=="}), _of("Secret", data={"a": "Mg=="}), False),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else str(value),
)
def test_what_needs_a_new_object(plugin: Plugin, old: dict[str, Any], new: dict[str, Any], fixed: bool) -> None:
    found = plugin.diff(_type(new), old, new)
    assert found.changes
    assert bool(found.replaces) is fixed


def test_content_under_a_name_that_is_made_up_is_made_anew_by_a_programs_own_provider() -> None:
    """So that pods roll: they name it."""
    old, new = (_of("Secret", data={"a": data}, **AUTONAMED) for data in ("MQ==", "Mg=="))
    with running(kubeconfig=json.dumps(NOWHERE)) as usual:
        assert usual.diff("core/v1:Secret", old, new).replaces == ["data.a"]


def _containers(*containers: dict[str, Any], **labels: str) -> dict[str, Any]:
    return _of("Pod", metadata={"labels": labels}, spec={"containers": list(containers)})


def _asking(cpu: str, *words: str) -> dict[str, Any]:
    return {"name": "c", "image": "x", "args": list(words), "resources": {"requests": {"cpu": cpu}}}


def test_what_the_server_stores_in_another_form_is_no_drift(plugin: Plugin) -> None:
    declared, stored = _containers(_asking("1000m", "x")), _containers(_asking("1", "x"))
    stored["metadata"] |= {"uid": "u", "resourceVersion": "1"}
    assert not plugin.diff("core/v1:Pod", declared, declared, stored).changes


def test_what_others_add_is_theirs(plugin: Plugin) -> None:
    declared = _containers(_asking("1", "x"), a="1")
    live = _containers(_asking("1", "x", "y"), {"name": "side", "image": "s"}, a="1", b="2")
    assert not plugin.diff("core/v1:Pod", declared, declared, live).changes


@pytest.mark.parametrize(
    "live",
    [
        _containers(_asking("2", "x"), a="1"),
        _containers(_asking("1", "x")),
        _containers(_asking("1", "z"), a="1"),
        _containers({"name": "c", "image": "x", "args": ["x"]}, a="1"),
    ],
    ids=["changed", "label-taken", "word-changed", "request-taken"],
)
def test_what_was_changed_or_taken_away_is_drift(plugin: Plugin, live: dict[str, Any]) -> None:
    declared = _containers(_asking("1", "x"), a="1")
    assert plugin.diff("core/v1:Pod", declared, declared, live).changes


def test_a_container_that_was_taken_away_is_drift(plugin: Plugin) -> None:
    both = _containers({"name": "c", "image": "x"}, {"name": "d", "image": "y"})
    assert plugin.diff("core/v1:Pod", both, both, _containers({"name": "c", "image": "x"})).changes


def test_a_name_is_made_up_once(plugin: Plugin) -> None:
    bare = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"b": "1"}}
    first = plugin.check("core/v1:ConfigMap", bare)
    assert first["metadata"]["name"].startswith("x-")
    again = plugin.check("core/v1:ConfigMap", {**bare, "data": {"b": "2"}}, first)
    assert again["metadata"]["name"] == first["metadata"]["name"]
    assert plugin.check("core/v1:ConfigMap", _of("ConfigMap"))["metadata"]["name"] == "x"


def test_a_given_name_is_kept_and_text_of_a_secret_is_stored_as_the_server_does(plugin: Plugin) -> None:
    """So that one which the plugin of before has kept so is no other one."""
    said = _of("Secret", stringData={"a": "1"}, metadata={"namespace": "default"})
    found = plugin.check("core/v1:Secret", said)
    assert (found["metadata"]["name"], found["data"]["value"]) == ("x", {"a": "MQ=="})
    former = _of("Secret", data={"a": "MQ=="}, metadata={"namespace": "default"})
    assert not plugin.diff("core/v1:Secret", former, said).changes
    assert plugin.diff("core/v1:Secret", former, {**said, "stringData": {"a": "2"}}).changes


SECRET_MARK = "4dabf18193072939515e22adb298388d"


def test_a_secret_is_secret_whoever_declares_it(plugin: Plugin) -> None:
    found = plugin.check("core/v1:Secret", _of("Secret", data={"a": "eA=="}))
    assert set(found["data"]) == {SECRET_MARK, "value"}
    given = {SECRET_MARK: "1b47061264138c4ac30d75fd1eb44270", "value": "hidden"}
    containers = [{"name": "c", "image": "x", "env": [{"name": "A", "value": given}]}]
    marked = plugin.check("core/v1:Pod", _of("Pod", spec={"containers": containers, "nodeName": "n"}))
    assert SECRET_MARK in marked["spec"]["containers"]
    assert marked["spec"]["nodeName"] == "n"


@pytest.mark.parametrize(
    ("kind", "inputs", "words"),
    [
        (
            "core/v1:ConfigMap",
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}},
            "generateName",
        ),
        ("core/v1:NodePatch", {"apiVersion": "v1", "kind": "Node", "metadata": {}}, "metadata.name"),
        ("core/v1:PodList", {"apiVersion": "v1", "kind": "PodList", "items": []}, "cannot be created directly"),
    ],
    ids=["generateName", "patch-without-name", "list"],
)
def test_what_is_not_covered_is_refused_in_words(plugin: Plugin, kind: str, inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(grpc.RpcError, match=words):
        plugin.check(kind, inputs)


def _kubeconfig(server: str, authority: str) -> dict[str, str]:
    cluster = {"server": server, "certificate-authority-data": authority}
    return {"kubeconfig": json.dumps({**NOWHERE, "clusters": [{"name": "c", "cluster": cluster}]})}


def test_only_another_cluster_makes_everything_anew(plugin: Plugin) -> None:
    here, there = _kubeconfig("https://a:6443", "QQ=="), _kubeconfig("https://b:6443", "Qg==")
    assert plugin.diff_config(here, there).replaces == ["kubeconfig"]
    # A platform names its cluster, so that credentials are renewed and endpoints move.
    named = {"clusterIdentifier": "one"}
    assert plugin.diff_config({**here, **named}, {**there, **named}).replaces == []
    assert plugin.diff_config({**here, **named}, {"kubeconfig": UNKNOWN, **named}).replaces == []
    assert plugin.diff_config({**here, **named}, {**here, "clusterIdentifier": "two"}).replaces == ["clusterIdentifier"]
    # What the plugin of before was told, and its version.
    former = {"enablePatchForce": "true", "version": "4.34.2"}
    assert plugin.diff_config({**here, **named, **former}, {**here, **named, **MUTABLE}).replaces == []


def test_manifests_are_taken_apart(plugin: Plugin) -> None:
    listed = "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}]"
    text = f"{listed}\n---\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: b}}"
    assert [each["kind"] for each in plugin.decode(text)] == ["List", "Secret"]
    assert plugin.decode(text, "shop")[1]["metadata"] == {"name": "b", "namespace": "shop"}
    with pytest.raises(grpc.RpcError):
        plugin.decode("a: [")

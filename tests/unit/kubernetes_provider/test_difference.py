"""Where inputs differ, which differences need a new object, and what counts as drift."""

from __future__ import annotations

from typing import Any

import pytest

from greenfield.kubernetes_provider.difference import changes
from greenfield.kubernetes_provider.drift import drifted
from greenfield.provider.values import UNKNOWN

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"a.b/c": "1"}},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"spec": {"containers": [{"name": "c", "image": "x:1"}, {"name": "d", "image": "y:1"}]}},
    },
}


def _of(kind: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", **content.pop("metadata", {})}, **content}


def test_paths_are_written_as_pulumi_does() -> None:
    new = {
        **DEPLOYMENT,
        "metadata": {"name": "web", "labels": {"a.b/c": "2", 'q"': "1"}},
        "spec": {**DEPLOYMENT["spec"], "template": {"spec": {"containers": [{"name": "c", "image": "x:2"}]}}},
    }
    assert [(each.text, each.how) for each in changes(DEPLOYMENT, new)] == [
        ('metadata.labels["a.b/c"]', "update"),
        ('metadata.labels["q\\""]', "add"),
        ("spec.template.spec.containers[0].image", "update"),
        ("spec.template.spec.containers[1]", "delete"),
    ]


def test_the_same_inputs_have_no_difference() -> None:
    assert changes(DEPLOYMENT, dict(DEPLOYMENT)) == []


def test_what_is_not_known_yet_may_differ() -> None:
    assert [each.text for each in changes(_of("A", data={"k": "v"}), _of("A", data={"k": UNKNOWN}))] == ["data.k"]


@pytest.mark.parametrize(
    ("old", "new", "fixed"),
    [
        (_of("A"), {**_of("A"), "metadata": {"name": "y"}}, True),
        (_of("A"), _of("B"), True),
        (_of("A"), {**_of("A"), "apiVersion": "x.io/v1"}, True),
        ({**_of("A"), "apiVersion": "x.io/v1"}, {**_of("A"), "apiVersion": "x.io/v2"}, False),
        (_of("Service", spec={"clusterIP": "10.0.0.1"}), _of("Service", spec={"clusterIP": "10.0.0.2"}), True),
        (_of("Service", spec={"ports": [1]}), _of("Service", spec={"ports": [2]}), False),
        (_of("StatefulSet", spec={"serviceName": "a"}), _of("StatefulSet", spec={"serviceName": "b"}), True),
        (_of("StatefulSet", spec={"replicas": 1}), _of("StatefulSet", spec={"replicas": 2}), False),
        (_of("Job", spec={"template": {"a": 1}}), _of("Job", spec={"template": {"a": 2}}), True),
        (_of("Pod", spec={"containers": [{"image": "a"}]}), _of("Pod", spec={"containers": [{"image": "b"}]}), False),
        (_of("Pod", spec={"nodeName": "a"}), _of("Pod", spec={"nodeName": "b"}), True),
        (_of("PriorityClass", value=1), _of("PriorityClass", value=2), True),
        (_of("RoleBinding", roleRef={"name": "a"}), _of("RoleBinding", roleRef={"name": "b"}), True),
        (_of("ConfigMap", data={"a": "1"}), _of("ConfigMap", data={"a": "2"}), False),
        (_of("ConfigMap", data={"a": "1"}, immutable=True), _of("ConfigMap", data={"a": "2"}, immutable=True), True),
        (
            _of("Secret", data={"a": "1"}, metadata={"annotations": {"pulumi.com/autonamed": "true"}}),
            _of("Secret", data={"a": "2"}, metadata={"annotations": {"pulumi.com/autonamed": "true"}}),
            True,
        ),
    ],
)
def test_what_needs_a_new_object(old: dict[str, Any], new: dict[str, Any], fixed: bool) -> None:
    found = changes(old, new)
    assert found
    assert any(each.fixed for each in found) is fixed


def test_what_the_server_stores_in_another_form_is_no_drift() -> None:
    declared = {"cpu": "1000m", "args": [], "list": [{"name": "a", "memory": "1024Mi"}]}
    stored = {"cpu": "1", "list": [{"name": "a", "memory": "1Gi", "default": "x"}], "uid": "u"}
    assert drifted(declared, stored, stored) == declared


def test_what_others_add_is_theirs() -> None:
    declared = {"labels": {"a": "1"}, "containers": [{"name": "c", "image": "x"}]}
    was = {"labels": {"a": "1"}, "containers": [{"name": "c", "image": "x"}]}
    live = {"labels": {"a": "1", "b": "2"}, "containers": [{"name": "side", "image": "s"}, {"name": "c", "image": "x"}]}
    assert drifted(declared, was, live) == declared


@pytest.mark.parametrize(
    ("live", "now"),
    [
        ({"cpu": "2", "labels": {"a": "1"}, "args": ["x"]}, {"cpu": "2", "labels": {"a": "1"}, "args": ["x"]}),
        ({"cpu": "1", "labels": {}, "args": ["x"]}, {"cpu": "1000m", "labels": {}, "args": ["x"]}),
        (
            {"cpu": "1", "labels": {"a": "1"}, "args": ["x", "y"]},
            {"cpu": "1000m", "labels": {"a": "1"}, "args": ["x", "y"]},
        ),
        ({"labels": {"a": "1"}, "args": ["x"]}, {"labels": {"a": "1"}, "args": ["x"]}),
    ],
)
def test_what_was_changed_or_taken_away_is_drift(live: dict[str, Any], now: dict[str, Any]) -> None:
    declared = {"cpu": "1000m", "labels": {"a": "1"}, "args": ["x"]}
    was = {"cpu": "1", "labels": {"a": "1"}, "args": ["x"]}
    assert drifted(declared, was, live) == now
    assert now != declared


def test_a_container_that_was_taken_away_is_drift() -> None:
    both = {"containers": [{"name": "c", "image": "x"}, {"name": "d", "image": "y"}]}
    one = {"containers": [{"name": "c", "image": "x"}]}
    assert drifted(both, both, one) == one

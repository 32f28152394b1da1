"""Taints of nodes: the declared ones come and go, those of others stay."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from greenfield.provider import taints
from greenfield.provider.display import Display
from greenfield.provider.kubernetes_api import RefusedError, UnreachableError
from greenfield.provider.resource import Call
from greenfield.provider.taints import Taints, merged
from greenfield.provider.values import UNKNOWN

THEIRS = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
OURS = {"key": "dedicated", "effect": "NoSchedule", "value": "front"}
CALL = Call("urn", "apps-taints")
DOWN = UnreachableError("the cluster does not answer")


class _Cluster:
    """Nodes by name; the first ``conflicts`` patches find that someone else was faster."""

    def __init__(self, **nodes: list[dict[str, Any]]) -> None:
        self.nodes, self.patches, self.conflicts = nodes, 0, 0
        self.down: Exception | None = None

    def of(self, kubeconfig: str) -> _Cluster:
        return self

    def ask(self, method: str, path: str, body: Any = None, content: str = "") -> dict[str, Any]:
        if self.down:
            raise self.down
        name = path.rsplit("/", 1)[-1]
        if name not in self.nodes:
            raise RefusedError(404, f'nodes "{name}" not found')
        if method == "PATCH":
            self.patches += 1
            if self.conflicts:
                self.conflicts -= 1
                raise RefusedError(409, "the object has been modified")
            assert body["metadata"] == {"resourceVersion": "1"}
            self.nodes[name] = body["spec"]["taints"]
        return {"metadata": {"resourceVersion": "1"}, "spec": {"taints": self.nodes[name]}}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> _Cluster:
    """A control plane's node with its own taint, and a bare worker."""
    found = _Cluster(c1=[THEIRS], w1=[])
    monkeypatch.setattr(taints, "Access", found)
    return found


def _inputs(**nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kubeconfig": "{}", "nodes": nodes}


def _resource() -> Taints:
    return Taints(Display(""))


def test_they_come_and_go_beside_those_of_others(cluster: _Cluster) -> None:
    state = asyncio.run(_resource().create(CALL, _inputs(c1=[OURS], w1=[OURS])))
    assert cluster.nodes == {"c1": [THEIRS, OURS], "w1": [OURS]}
    state = asyncio.run(_resource().update(CALL, state, _inputs(c1=[{**OURS, "value": "back"}])))
    assert cluster.nodes == {"c1": [THEIRS, {**OURS, "value": "back"}], "w1": []}
    asyncio.run(_resource().delete(CALL, state))
    assert cluster.nodes == {"c1": [THEIRS], "w1": []}


def test_what_stands_already_is_not_written(cluster: _Cluster) -> None:
    cluster.nodes["w1"] = [{**OURS, "timeAdded": "2026-11-30T00:00:00Z"}]
    asyncio.run(_resource().create(CALL, _inputs(w1=[OURS])))
    assert (cluster.patches, cluster.nodes["w1"][0]["timeAdded"]) == (0, "2026-11-30T00:00:00Z")


def test_a_node_that_someone_writes_meanwhile_is_looked_at_again(cluster: _Cluster) -> None:
    cluster.conflicts = 3
    asyncio.run(_resource().create(CALL, _inputs(w1=[OURS])))
    assert (cluster.patches, cluster.nodes["w1"]) == (4, [OURS])
    cluster.conflicts = 99
    with pytest.raises(RefusedError, match="modified"):
        asyncio.run(_resource().create(CALL, _inputs(c1=[OURS])))


def test_a_node_that_is_gone_lets_its_taints_go_but_takes_none(cluster: _Cluster) -> None:
    asyncio.run(_resource().delete(CALL, _inputs(gone=[OURS])))
    with pytest.raises(RefusedError, match="not found"):
        asyncio.run(_resource().create(CALL, _inputs(gone=[OURS])))


def test_a_preview_asks_nobody(cluster: _Cluster) -> None:
    cluster.down = DOWN
    for inputs in (_inputs(w1=[OURS]), {**_inputs(w1=[OURS]), "kubeconfig": UNKNOWN}):
        assert asyncio.run(_resource().create(Call("urn", "name", preview=True), inputs)) == inputs


def test_drift_is_what_is_missing_of_the_declared_ones(cluster: _Cluster) -> None:
    inputs = _inputs(c1=[OURS], gone=[OURS])
    cluster.nodes["c1"] = [THEIRS, {**OURS, "value": "other"}]
    found = asyncio.run(_resource().read(CALL, inputs))
    assert found["nodes"] == {"c1": [], "gone": []}
    assert _resource().diff(found, inputs).paths == ('nodes["c1"]', 'nodes["gone"]')
    # It may be what the same run repairs, or renews the credentials for.
    for cluster.down in (DOWN, RefusedError(401, "Unauthorized")):
        assert asyncio.run(_resource().read(CALL, inputs)) == inputs


@pytest.mark.parametrize(
    ("inputs", "paths"),
    [
        (_inputs(c1=[OURS, THEIRS]), ()),
        (_inputs(c1=[THEIRS, OURS]), ()),
        (_inputs(c1=[OURS]), ('nodes["c1"]',)),
        (_inputs(c1=[OURS, THEIRS], w1=[OURS]), ('nodes["w1"]',)),
        (_inputs(), ('nodes["c1"]',)),
        ({**_inputs(c1=[OURS, THEIRS]), "kubeconfig": "renewed"}, ("kubeconfig",)),
        ({**_inputs(), "nodes": UNKNOWN}, ("nodes",)),
    ],
)
def test_what_changes_them(inputs: dict[str, Any], paths: tuple[str, ...]) -> None:
    assert _resource().diff(_inputs(c1=[OURS, THEIRS]), inputs).paths == paths


def test_one_with_another_value_takes_the_place_of_its_namesake() -> None:
    assert merged([THEIRS, OURS], [{**OURS, "value": "back"}], []) == [THEIRS, {**OURS, "value": "back"}]
    assert merged([THEIRS, OURS], [], [OURS]) == [THEIRS]
    assert merged([OURS], [], []) == [OURS]

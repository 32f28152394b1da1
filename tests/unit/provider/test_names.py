"""Namespaces that someone else has made are not taken."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from greenfield.errors import ProviderError
from greenfield.provider import names
from greenfield.provider.display import Display
from greenfield.provider.kubernetes_api import NoKeyError, RefusedError, UnreachableError
from greenfield.provider.names import Names
from greenfield.provider.resource import Call

CALL = Call("urn", "apps-names")


class _Cluster:
    """Namespaces with the field manager that made each."""

    def __init__(self) -> None:
        self.made = {"shop": "pulumi-kubernetes-1a2b3c4d", "hand": "kubectl-create"}
        self.asked: list[str] = []

    def of(self, kubeconfig: str) -> _Cluster:
        if kubeconfig == "exec":
            raise NoKeyError("the kubeconfig holds neither a client certificate nor a token")
        return self

    def ask(self, method: str, path: str) -> dict[str, Any]:
        name = path.rpartition("/")[2]
        self.asked.append(name)
        if name == "down":
            raise UnreachableError("the cluster does not answer")
        if name not in self.made:
            raise RefusedError(404, "not found")
        return {"metadata": {"managedFields": [{"manager": self.made[name]}]}}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> _Cluster:
    """One with a namespace of a stack and one of somebody else."""
    found = _Cluster()
    monkeypatch.setattr(names, "Access", found)
    return found


def _inputs(*namespaces: str) -> dict[str, Any]:
    return {"kubeconfig": "{}", "namespaces": list(namespaces)}


def test_one_that_somebody_else_has_made_is_refused_by_name(cluster: _Cluster) -> None:
    with pytest.raises(ProviderError, match="no stack has made: hand"):
        asyncio.run(Names(Display("")).create(CALL, _inputs("free", "shop", "hand")))
    # A run that was killed has made one already; it goes on with it.
    assert asyncio.run(Names(Display("")).create(CALL, _inputs("free", "shop"))) == _inputs("free", "shop")


def test_only_new_names_are_asked_for(cluster: _Cluster) -> None:
    asyncio.run(Names(Display("")).update(CALL, _inputs("hand"), _inputs("hand", "free")))
    assert cluster.asked == ["free"]
    with pytest.raises(UnreachableError):
        asyncio.run(Names(Display("")).update(CALL, _inputs("hand"), _inputs("down")))


def test_a_preview_asks_nobody_and_a_renewed_kubeconfig_changes_nothing(cluster: _Cluster) -> None:
    asyncio.run(Names(Display("")).create(Call("urn", "name", preview=True), _inputs("hand")))
    assert cluster.asked == []
    renewed = {**_inputs("shop"), "kubeconfig": "renewed"}
    assert Names(Display("")).diff(_inputs("shop"), renewed).paths == ()
    assert Names(Display("")).diff(_inputs("shop"), _inputs("shop", "edge")).paths == ("namespaces",)


def test_who_logs_in_by_a_program_is_warned_and_goes_on(cluster: _Cluster) -> None:
    inputs = {**_inputs("hand"), "kubeconfig": "exec"}
    assert asyncio.run(Names(Display("")).create(CALL, inputs)) == inputs

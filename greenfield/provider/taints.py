"""``greenfield:index:Taints``: taints of nodes, among those that others write: kubeadm, controllers, people.

The list is one field to server-side apply: whoever applies it takes away the others' taints, the control plane's own
among them. So this is no ``NodePatch`` of the official plugin; only those that were declared are touched here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from greenfield.provider.display import Display
from greenfield.provider.kubernetes_api import Access, Json, RefusedError, UnreachableError
from greenfield.provider.resource import Call, Difference, Resource, Values
from greenfield.provider.values import UNKNOWN, has_unknown

TRIES = 8
"""A busy node is written every few seconds; two writers in a row meet by chance."""

MERGE = "application/merge-patch+json"
CONFLICT, GONE = 409, 404


class Taints(Resource):
    """Inputs and outputs: ``kubeconfig`` (secret), ``nodes`` (node to its taints: ``key``, ``effect``, ``value``)."""

    secrets = frozenset({"kubeconfig"})

    def __init__(self, display: Display) -> None:
        self._display = display

    def diff(self, old: Values, inputs: Values) -> Difference:
        """Nodes whose taints differ; renewed credentials are kept too, for whoever takes the taints away one day."""
        before, now = old.get("nodes") or {}, inputs.get("nodes")
        if now is UNKNOWN or not isinstance(now, dict):
            return Difference(("nodes",))
        names = [name for name in {**before, **now} if _said(before.get(name)) != _said(now.get(name))]
        renewed = ("kubeconfig",) if old.get("kubeconfig") != inputs.get("kubeconfig") else ()
        return Difference((*(f'nodes["{name}"]' for name in names), *renewed))

    async def create(self, call: Call, inputs: Values) -> Values:
        """Make the taints stand."""
        return await self.update(call, {}, inputs)

    async def update(self, call: Call, old: Values, inputs: Values) -> Values:
        """Make the declared ones stand and those that are no longer declared go."""
        if not (call.preview or has_unknown(inputs)):
            await asyncio.to_thread(_settle_all, inputs["kubeconfig"], inputs["nodes"], old.get("nodes") or {})
        return dict(inputs)

    async def read(self, call: Call, state: Values) -> Values:
        """Which of the declared ones stand; a cluster that does not answer keeps what is known of it."""
        try:
            nodes = await asyncio.to_thread(_standing, state["kubeconfig"], state["nodes"])
        except (UnreachableError, RefusedError) as error:
            self._display.warn(call.urn, f"drift of taints is not known: {error.message}")
            return state
        return {**state, "nodes": nodes}

    async def delete(self, call: Call, state: Values) -> None:
        """Take them away."""
        await asyncio.to_thread(_settle_all, state["kubeconfig"], {}, state["nodes"])


def _settle_all(kubeconfig: str, wanted: Values, former: Values) -> None:
    access = Access.of(kubeconfig)
    for name in {**former, **wanted}:
        _settle(access, name, wanted.get(name) or [], former.get(name) or [])


def _settle(access: Access, node: str, wanted: Sequence[Json], former: Sequence[Json]) -> None:
    path = f"/api/v1/nodes/{quote(node)}"
    for attempt in range(TRIES):
        try:
            live = access.ask("GET", path)
            now = _taints(live)
            new = merged(now, wanted, former)
            if sorted(map(str, new)) == sorted(map(str, now)):
                return
            version = {"resourceVersion": live["metadata"]["resourceVersion"]}
            access.ask("PATCH", path, {"metadata": version, "spec": {"taints": new}}, MERGE)
            return
        except RefusedError as error:
            if error.status == GONE and not wanted:
                return
            # Someone wrote the node in between: look again.
            if error.status != CONFLICT or attempt + 1 == TRIES:
                raise


def merged(now: Sequence[Json], wanted: Sequence[Json], former: Sequence[Json]) -> list[Json]:
    """A node's list with the declared taints in it, those no longer declared out of it, and the others' as they are.

    One that says the same stays as the server has it, with the moment it was added.
    """
    ours = {_key(each) for each in (*wanted, *former)}
    kept = {_text(each): each for each in now}
    return [*(each for each in now if _key(each) not in ours), *(kept.get(_text(each), dict(each)) for each in wanted)]


def _standing(kubeconfig: str, nodes: Values) -> Values:
    access, found = Access.of(kubeconfig), {}
    for name, declared in nodes.items():
        try:
            now = {_text(each) for each in _taints(access.ask("GET", f"/api/v1/nodes/{quote(name)}"))}
        except RefusedError as error:
            if error.status != GONE:
                raise
            now = set()
        found[name] = [each for each in declared if _text(each) in now]
    return found


def _taints(live: Json) -> list[Json]:
    return list((live.get("spec") or {}).get("taints") or [])


def _key(taint: Json) -> tuple[str, str]:
    """What Kubernetes tells taints apart by."""
    return str(taint.get("key")), str(taint.get("effect"))


def _text(taint: Json) -> tuple[str, str, str]:
    return (*_key(taint), str(taint.get("value") or ""))


def _said(taints: Any) -> set[tuple[str, str, str]]:
    return {_text(each) for each in taints or []}

"""Taints of a node, which others write too: kubeadm, the node lifecycle controller, people.

The list is one field to server-side apply, so that whoever applies it takes away the others' taints. Only those that
were declared are touched here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from greenfield.kubernetes_provider.api import Api, ApiError, Json

TRIES = 8


async def settle(api: Api, path: str, wanted: Sequence[Json], former: Sequence[Json], manager: str) -> Json:
    """Make the declared taints stand and those that are no longer declared go; returns the node."""
    for attempt in range(TRIES):
        live = await api.request("GET", path)
        now = (live.get("spec") or {}).get("taints") or []
        ours = {_key(each) for each in (*wanted, *former)}
        kept = {_key(each): each for each in now}
        new = [each for each in now if _key(each) not in ours]
        new += [_same(each, kept.get(_key(each))) for each in wanted]
        if sorted(map(str, new)) == sorted(map(str, now)):
            return live
        body = {"metadata": {"resourceVersion": live["metadata"]["resourceVersion"]}, "spec": {"taints": new}}
        try:
            query = {"fieldManager": manager}
            return await api.request("PATCH", path, query, body, "application/merge-patch+json")
        except ApiError as error:
            # Someone wrote the node in between: look again.
            if error.status != 409 or attempt + 1 == TRIES:
                raise
    raise AssertionError("the last try returns or raises")


def still(declared: Any, live: Json) -> list[Json]:
    """The declared taints that a node has."""
    now = [_said(each) for each in (live.get("spec") or {}).get("taints") or []]
    return [each for each in declared if _said(each) in now]


def _key(taint: Json) -> tuple[str, str]:
    return str(taint.get("key")), str(taint.get("effect"))


def _said(taint: Json) -> tuple[str, str, str]:
    return (*_key(taint), str(taint.get("value") or ""))


def _same(wanted: Json, now: Json | None) -> Json:
    """As it stands where it says the same: the server notes when a NoExecute taint was added."""
    return now if now is not None and _said(now) == _said(wanted) else dict(wanted)

"""Makes, changes and takes away objects by server-side apply."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenfield.errors import ProviderError
from greenfield.kubernetes_provider import taints
from greenfield.kubernetes_provider.api import APPLY, Api, ApiError, Json
from greenfield.kubernetes_provider.kinds import Kind
from greenfield.kubernetes_provider.target import MANAGERS, PROPAGATION, Target, annotation, managed_by

OWNERS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"})
"""Kinds that go only after the pods they made. Of others nothing is left behind, and the collector takes its time."""

MADE_BY = "greenfield.io/made-by"
"""Annotation of objects that have nothing but a name."""

SETTLE_SECONDS = 30.0
"""How long what an object needs is waited for: its namespace, or the account of its pods, may be on the way."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall be.

    Attributes:
        inputs: the object as it is applied.
        manager: field manager.
        force: take fields over from other managers.
        former: the inputs before; empty for a new object.
    """

    target: Target
    kind: Kind
    inputs: Mapping[str, Any]
    manager: str
    force: bool
    former: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Where the object lies."""
        return self.kind.path(self.target.namespace, self.target.name)

    @property
    def on_node(self) -> bool:
        """Whether it is a patch of a node, whose taints are shared with others."""
        return self.target.patch and self.target.kind == "Node"


async def make(api: Api, wish: Wish, *, upsert: bool) -> Json:
    """Create an object; one that a killed run of this resource had made already is taken for its own.

    Raises:
        ProviderError: it is there and belongs to someone else, or, for a patch, it is not there.
    """
    live = await api.get(wish.path)
    if wish.target.patch and live is None:
        raise ProviderError(f"{wish.target.label} is not there, so it can't be patched", fix="create it first")
    if not upsert:
        _ours(wish, live, wish.manager)
    return await apply(api, wish)


def _ours(wish: Wish, live: Json | None, manager: str) -> None:
    """Raises ProviderError for an object that someone else made."""
    if live is not None and not wish.target.patch and not managed_by(live, manager):
        raise ProviderError(
            f"{wish.target.label} is there already and was not made by this stack",
            fix=f"pulumi import it under the id {wish.target.identity}, give this one another name, "
            "or set upsertExistingObjects on the provider",
        )


async def apply(api: Api, wish: Wish) -> Json:
    """Make the object be as declared; what it needs and is on the way is waited for."""
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            live = await _send(api, wish, dry=False)
            break
        except ApiError as error:
            if not _on_the_way(error) or time.monotonic() > until:
                raise _told(error, wish) from None
            await asyncio.sleep(0.5)
    if wish.on_node:
        return await taints.settle(api, wish.path, *_taints(wish), wish.manager)
    return live


async def rehearse_making(api: Api, wish: Wish, *, upsert: bool) -> None:
    """The same as ``rehearse`` for an object that is made: one of a stack may be there still, to be replaced by it."""
    live = await api.get(wish.path)
    if live is None or wish.target.patch or upsert:
        await rehearse(api, wish)
    else:
        _ours(wish, live, MANAGERS)


async def rehearse(api: Api, wish: Wish) -> None:
    """Ask the server whether it would take the object, changing nothing.

    What it needs may be made in the same run, so that something is missing is no fault.

    Raises:
        ProviderError: it would refuse.
    """
    try:
        await _send(api, wish, dry=True)
    except ApiError as error:
        if error.status != 404 and not _on_the_way(error):
            raise _told(error, wish) from None


async def fixed_field(api: Api, wish: Wish) -> bool:
    """Whether the server refuses a change because a field can't change: the object has to be made anew."""
    try:
        await _send(api, wish, dry=True)
    except ApiError as error:
        said = [str(each.get("message", "")).lower() for each in error.causes] or [str(error).lower()]
        return error.status == 422 and any("immutable" in each or "may not change" in each for each in said)
    return False


async def let_go(api: Api, wish: Wish) -> None:
    """Give up the fields that a patch had set; the object stays."""
    live = await api.get(wish.path)
    if live is None:
        return
    if wish.on_node:
        await taints.settle(api, wish.path, [], _taints(wish)[0], wish.manager)
    if managed_by(live, wish.manager):
        bare = {
            "apiVersion": wish.target.api_version,
            "kind": wish.target.kind,
            "metadata": {"name": wish.target.name},
        }
        await api.request("PATCH", wish.path, {"fieldManager": wish.manager, "force": "true"}, bare, APPLY)


async def remove(api: Api, path: str, state: Mapping[str, Any]) -> str:
    """Ask for an object to be deleted; returns its uid, or an empty text where it is gone already.

    Another object that has taken its name since is not touched.
    """
    uid = str((state.get("metadata") or {}).get("uid") or "")
    policy = annotation(state, PROPAGATION) or ("foreground" if state.get("kind") in OWNERS else "background")
    body: Json = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy.capitalize()}
    if uid:
        body["preconditions"] = {"uid": uid}
    try:
        answer = await api.request("DELETE", path, None, body)
    except ApiError as error:
        if error.status == 404 or (error.status == 409 and uid and "uid" in str(error).lower()):
            return ""
        raise
    return uid or str((answer.get("metadata") or {}).get("uid") or "")


async def _send(api: Api, wish: Wish, *, dry: bool) -> Json:
    query = {"fieldManager": wish.manager, "force": "true" if wish.force else "false"}
    if dry:
        query["dryRun"] = "All"
    body = dict(wish.inputs)
    if wish.on_node and "spec" in body:
        body["spec"] = {key: value for key, value in body["spec"].items() if key != "taints"}
    if wish.kind.namespaced:
        body["metadata"] = {**body["metadata"], "namespace": wish.target.namespace}
    if _bare(body) and not wish.target.patch:
        body["metadata"] = {**body["metadata"], "annotations": {MADE_BY: wish.manager}}
    return await api.request("PATCH", wish.path, query, body, APPLY)


def _bare(body: Mapping[str, Any]) -> bool:
    """Whether it has nothing but a name: then nothing would tell that its field manager made it."""
    rest = [value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata") and value]
    return not rest and not [
        value for key, value in body["metadata"].items() if key not in ("name", "namespace") and value
    ]


def _taints(wish: Wish) -> tuple[list[Json], list[Json]]:
    return (
        list((wish.inputs.get("spec") or {}).get("taints") or []),
        list((wish.former.get("spec") or {}).get("taints") or []),
    )


def _on_the_way(error: ApiError) -> bool:
    """Whether something else must come first that may be made, or be ending, just now."""
    said = str(error).lower()
    return (
        (error.status == 404 and error.of_kind == "namespaces")
        or (error.status == 403 and ("being terminated" in said or "error looking up service account" in said))
        or (error.status == 409 and "object is being deleted" in said)
    )


def _told(error: ApiError, wish: Wish) -> ProviderError:
    label = wish.target.label
    if error.status == 409 and error.causes:
        lines = [f"{each.get('field')}: {each.get('message')}" for each in error.causes]
        return ProviderError(
            f"{label}: others own fields that are declared here\n" + "\n".join(lines),
            fix='leave them out, or take them over with the annotation pulumi.com/patchForce: "true" '
            "or the provider's enablePatchForce",
        )
    if wish.target.kind == "Secret":
        # The server quotes what it refuses.
        lines = [f"{each.get('field')}: {each.get('reason')}" for each in error.causes] or [error.reason]
        return ProviderError(f"{label} was refused: {'; '.join(lines)}")
    return ProviderError(f"{label} was refused: {error}")

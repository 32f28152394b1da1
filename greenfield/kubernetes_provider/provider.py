"""Answers Pulumi's requests for the resource types of ``pulumi-kubernetes``, of any kind a cluster serves."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental import provider as sdk

from greenfield.errors import ProviderError
from greenfield.kubernetes_provider import difference, drift, manifests, objects, readiness, settings, taints
from greenfield.kubernetes_provider import inputs as inputs_of
from greenfield.kubernetes_provider.api import Api, ApiError, Json, UnreachableError
from greenfield.kubernetes_provider.kinds import Kinds
from greenfield.kubernetes_provider.marks import Properties, mark, read
from greenfield.kubernetes_provider.objects import Wish
from greenfield.kubernetes_provider.official import sdk_version
from greenfield.kubernetes_provider.servicer import INPUTS
from greenfield.kubernetes_provider.settings import Settings
from greenfield.kubernetes_provider.target import (
    PATCH_FORCE,
    SKIP_AWAIT,
    Target,
    annotation,
    field_manager,
    of_token,
    refuse,
    target,
)
from greenfield.kubernetes_provider.waiting import Waiter
from greenfield.provider.display import Display
from greenfield.provider.resource import PartialFailureError
from greenfield.provider.values import UNKNOWN, has_unknown
from greenfield.provider.wire import kind_of

Request = sdk.CreateRequest | sdk.UpdateRequest


class KubernetesProvider(sdk.Provider):
    """One provider resource of a program: one cluster."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._connect(Settings())

    def _connect(self, found: Settings) -> None:
        self._settings = found
        self._api = Api(found.kubeconfig, found.context)
        self._kinds = Kinds(self._api)
        self._waiter = Waiter(self._api)

    def stop(self) -> None:
        """End every wait."""
        self._waiter.stopped = True

    async def cancel(self) -> None:
        """The user pressed Ctrl-C: waits end; what was applied stays and is in the state."""
        self.stop()

    async def get_schema(self, request: sdk.GetSchemaRequest) -> sdk.GetSchemaResponse:
        """The types come from the SDK, not from here."""
        return sdk.GetSchemaResponse(json.dumps({"name": "kubernetes", "version": sdk_version()}))

    async def check_config(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Judge the configuration; the kubeconfig is a secret whoever gives it."""
        failures = [sdk.CheckFailure(*each) for each in settings.faults(read(request.new_inputs))]
        kept = {
            key: value.with_secret(value.is_secret or key == "kubeconfig") for key, value in request.new_inputs.items()
        }
        return sdk.CheckResponse(kept, failures)

    async def diff_config(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Only another cluster makes everything anew."""
        old, new = read(request.old_state), read(request.new_inputs)
        old.pop("version", None)
        changed = [key for key in {**old, **new} if key != "version" and old.get(key) != new.get(key)]
        return sdk.DiffResponse(changes=bool(changed), diffs=changed, replaces=settings.moves(old, new))

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        """Take the configuration; the cluster is asked when there is something to ask."""
        self._connect(Settings.of(read(request.args)))
        return sdk.ConfigureResponse(
            accept_secrets=True, supports_preview=True, accept_resources=False, accept_outputs=False
        )

    async def invoke(self, request: sdk.InvokeRequest) -> sdk.InvokeResponse:
        """``kubernetes:yaml:decode``, which ``ConfigFile`` and ``ConfigGroup`` are made of."""
        if request.tok != "kubernetes:yaml:decode":
            refuse(request.tok)
            raise ProviderError(f"this plugin has no function {request.tok}")
        arguments = read(request.args)
        found = manifests.decode(arguments["text"], str(arguments.get("defaultNamespace") or ""))
        return sdk.InvokeResponse(mark({"result": found}, {"result": request.args["text"]}))

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Complete the inputs and judge what can be judged without a cluster."""
        token = kind_of(request.urn)
        refuse(token)
        olds, news = read(request.old_inputs), read(request.new_inputs)
        inputs = inputs_of.complete(token, request.name, news, olds, request.random_seed)
        failures = [sdk.CheckFailure(*each) for each in inputs_of.faults(inputs, of_token(token)[2])]
        return sdk.CheckResponse(mark(inputs, request.new_inputs), failures)

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare inputs with those of before (which a refresh brings up to what is really there)."""
        token, state, new = kind_of(request.urn), read(request.old_state), read(request.new_inputs)
        old = state.get(INPUTS) or {key: state[key] for key in new if key in state}
        found = [each for each in difference.changes(old, new) if not self._same_place(token, each, state, new)]
        if found and not any(each.fixed for each in found) and not of_token(token)[2]:
            found = await self._asked(request.urn, found, state, old, new)
        replaces = list(dict.fromkeys(each.text for each in found if each.fixed))
        there, wanted = target(token, state, identity=request.resource_id), self._target(token, new)
        if not there.namespace:
            # It lies in no namespace, whatever the default is.
            wanted = dataclasses.replace(wanted, namespace="")
        same = (there.kind, there.namespace, there.name) == (wanted.kind, wanted.namespace, wanted.name)
        return sdk.DiffResponse(
            changes=bool(found),
            replaces=replaces,
            # Two objects of one name can't stand side by side.
            delete_before_replace=bool(replaces) and same and not inputs_of.autonamed(new),
            diffs=[each.text for each in found],
            detailed_diff={each.text: sdk.PropertyDiff(_how(each), True) for each in found},
        )

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Make the object and wait until it is ready."""
        inputs = read(request.properties)
        if request.preview:
            await self._rehearse(request.urn, inputs, {}, {})
            return sdk.CreateResponse("", mark(_preview(inputs), request.properties))
        wish = await self._wish(request.urn, inputs, {}, {})
        live = await objects.make(self._api, wish, upsert=self._settings.upsert)
        state = await self._ready(request, wish, live, request.properties)
        return sdk.CreateResponse(wish.target.identity, state)

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Change the object and wait until it is ready."""
        inputs, state = read(request.news), read(request.olds)
        former = state.pop(INPUTS, {})
        if request.preview:
            await self._rehearse(request.urn, inputs, state, former)
            return sdk.UpdateResponse(mark({**state, **_preview(inputs)}, request.news, request.olds))
        wish = await self._wish(request.urn, inputs, state, former)
        live = await objects.apply(self._api, wish)
        return sdk.UpdateResponse(await self._ready(request, wish, live, request.news))

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """Look at the object: gone, as declared, or drifted. One run may refresh a cluster and bring its hosts back."""
        try:
            return await self._look(request)
        except UnreachableError as error:
            if not read(request.inputs):
                raise
            self._display.warn(request.urn, f"its drift is not known: {error.message}")
            return sdk.ReadResponse(request.resource_id, request.properties, request.inputs)

    async def _look(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        token, state, inputs = kind_of(request.urn), read(request.properties), read(request.inputs)
        there = self._target(token, state or inputs, request.resource_id)
        kind = await self._kinds.find(there.api_version, there.kind)
        live = await self._api.get(kind.path(there.namespace, there.name)) if kind else None
        if kind is None or live is None:
            return sdk.ReadResponse()
        there = there.placed(kind.namespaced)
        now = drift.drifted(inputs, state, live) if inputs else inputs_of.imported(live)
        if there.patch and there.kind == "Node" and "taints" in (inputs.get("spec") or {}):
            now["spec"] = {**now.get("spec", {}), "taints": taints.still(inputs["spec"]["taints"], live)}
        found = mark(self._kept(live, field_manager(request.urn, state, inputs)), request.inputs, request.properties)
        verdict = await self._waiter.ready_now(live)
        if inputs and not verdict.ready and annotation(inputs, SKIP_AWAIT) != "true" and not there.patch:
            self._display.warn(request.urn, f"{there.label}: {verdict.said}")
        return sdk.ReadResponse(there.identity, found, mark(now, request.inputs))

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Take the object away and wait until it is gone; of a patch, only what it had set."""
        token, state = kind_of(request.urn), read(request.properties)
        inputs = state.pop(INPUTS, {})
        there = self._target(token, state, request.resource_id)
        try:
            kind = await self._kinds.find(there.api_version, there.kind)
            if kind is None:
                return
            there = there.placed(kind.namespaced)
            if there.patch:
                manager = field_manager(request.urn, state, inputs)
                await objects.let_go(self._api, Wish(there, kind, inputs, manager, True, {}))
                return
            path = kind.path(there.namespace, there.name)
            uid = await objects.remove(self._api, path, state)
            if uid and annotation(state, SKIP_AWAIT) != "true":
                seconds = readiness.seconds(request.timeout, state, there.kind)
                await self._waiter.until_gone(path, uid, there.label, seconds, self._say(request.urn))
        except UnreachableError:
            if not self._settings.forget_unreachable:
                raise
            self._display.warn(request.urn, f"{there.label}: the cluster does not answer; it is forgotten as asked")

    def wrap_state(self, urn: str, state: Json) -> Properties:
        """A state as it goes to the engine; it is marked already."""
        return state

    def _target(self, token: str, values: Mapping[str, Any], identity: str = "") -> Target:
        return target(token, values, self._settings.namespace or self._api.namespace, identity)

    def _same_place(
        self, token: str, change: difference.Change, state: Mapping[str, Any], new: Mapping[str, Any]
    ) -> bool:
        """Whether naming a namespace, or no longer naming it, leaves the object where it is."""
        if change.path != ("metadata", "namespace"):
            return False
        there = (state.get("metadata") or {}).get("namespace", "")
        return bool(self._target(token, new).namespace == there)

    async def _wish(
        self, urn: str, inputs: Mapping[str, Any], state: Mapping[str, Any], former: Mapping[str, Any]
    ) -> Wish:
        self._api.connect()
        wanted = self._target(kind_of(urn), inputs)
        kind = await self._kinds.require(wanted.api_version, wanted.kind)
        wanted = wanted.placed(kind.namespaced)
        force = self._settings.force or annotation(inputs, PATCH_FORCE) == "true"
        return Wish(wanted, kind, inputs, field_manager(urn, state, inputs), force, former)

    async def _rehearse(
        self, urn: str, inputs: Mapping[str, Any], state: Mapping[str, Any], former: Mapping[str, Any]
    ) -> None:
        """In preview: what the server would say, where it answers and everything is known."""
        if has_unknown(inputs):
            return
        try:
            wanted = self._target(kind_of(urn), inputs)
            if await self._kinds.find(wanted.api_version, wanted.kind) is None:
                # Its definition may be made in the same run.
                return
            wish = await self._wish(urn, inputs, state, former)
            if state:
                await objects.rehearse(self._api, wish)
            else:
                await objects.rehearse_making(self._api, wish, upsert=self._settings.upsert)
        except UnreachableError as error:
            self._display.note(urn, f"not rehearsed: {error.message}")

    async def _asked(
        self,
        urn: str,
        found: list[difference.Change],
        state: Mapping[str, Any],
        old: Mapping[str, Any],
        new: Mapping[str, Any],
    ) -> list[difference.Change]:
        """Differences, with those fixed that only the server knows to be (custom resources, rules of admission)."""
        if has_unknown(new):
            return found
        try:
            if not await objects.fixed_field(self._api, await self._wish(urn, new, state, old)):
                return found
        except (UnreachableError, ApiError):
            return found
        return [dataclasses.replace(each, fixed=each.path[0] != "metadata") for each in found]

    async def _ready(self, request: Request, wish: Wish, live: Json, like: Properties) -> Properties:
        """The state once the object is ready.

        Raises:
            PartialFailureError: it is not; the state is kept, and the next run goes on from there.
        """
        reasons: tuple[str, ...] = ()
        if annotation(wish.inputs, SKIP_AWAIT) != "true" and not wish.target.patch:
            seconds = readiness.seconds(request.timeout, wish.inputs, wish.target.kind)
            say = self._say(request.urn)
            waited = await self._waiter.until_ready(wish.path, live, wish.target.label, seconds, say)
            live, reasons = waited.live, waited.reasons
        state = mark(self._kept(live, wish.manager), like)
        if reasons:
            raise PartialFailureError(state, reasons, wish.target.identity)
        return state

    def _kept(self, live: Json, manager: str) -> Json:
        return {**inputs_of.stored(live), "__fieldManager": manager}

    def _say(self, urn: str) -> Any:
        return lambda text: self._display.progress(urn, text)


def _preview(inputs: Json) -> Json:
    """What is known of an object before it is made: what was declared."""
    known = {**inputs, "status": UNKNOWN}
    if inputs.get("kind") == "Service" and isinstance(inputs.get("spec"), Mapping):
        known["spec"] = {"clusterIP": UNKNOWN, **inputs["spec"]}
    return known


def _how(change: difference.Change) -> sdk.PropertyDiffKind:
    name = f"{change.how}_replace" if change.fixed else change.how
    return sdk.PropertyDiffKind[name.upper()]

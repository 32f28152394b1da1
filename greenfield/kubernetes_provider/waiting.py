"""Waits until an object is ready or gone, with a deadline and the last thing seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from greenfield.errors import ProviderError
from greenfield.kubernetes_provider.api import Api, ApiError, Json, UnreachableError
from greenfield.kubernetes_provider.events import story
from greenfield.kubernetes_provider.readiness import Verdict, judge

POLL_SECONDS = (0.2, 0.5, 1.0, 2.0)
"""Between two looks, growing to the last: many objects are ready at once, others take minutes."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Waited:
    """How waiting ended: the object as it was last, and, where it is not ready, sentences about why."""

    live: Json
    reasons: tuple[str, ...] = ()


class Waiter:
    """Waits on one cluster. ``stop`` ends every wait (the user pressed Ctrl-C)."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.stopped = False

    async def until_ready(self, path: str, live: Json, label: str, seconds: float, say: Say) -> Waited:
        """Wait until the object is ready, can't become so, or the deadline is over."""
        until, look = time.monotonic() + seconds, 0
        while True:
            verdict = await self._verdict(live)
            if verdict.ready:
                return Waited(live)
            over = time.monotonic() >= until or self.stopped
            if verdict.failed or over:
                return Waited(live, await self._reasons(live, label, verdict, seconds))
            say(f"{label}: {verdict.said}")
            await asyncio.sleep(min(_pause(look), max(0.05, until - time.monotonic())))
            look += 1
            try:
                found = await self._api.get(path)
            except UnreachableError:
                # An API server may well restart meanwhile; the deadline stands.
                found = live
            if found is None:
                return Waited(live, (f"{label} was deleted by someone else while it was waited for",))
            live = found

    async def _verdict(self, live: Json) -> Verdict:
        try:
            return await self.ready_now(live)
        except UnreachableError as error:
            return Verdict(False, error.message)

    async def ready_now(self, live: Json) -> Verdict:
        """Whether the object is ready, without waiting."""
        return judge(live, await self._around(live))

    async def until_gone(self, path: str, uid: str, label: str, seconds: float, say: Say) -> None:
        """Wait until the object is gone (another one of the same name is not it).

        Raises:
            ProviderError: it is still there at the deadline; says what holds it.
        """
        until, look, last, held = time.monotonic() + seconds, 0, None, ""
        while True:
            try:
                live = await self._api.get(path)
                if live is None or live["metadata"].get("uid") != uid:
                    return
                last, held = live, _held(live)
            except UnreachableError as error:
                held = f"; {error.message}"
            if time.monotonic() >= until or self.stopped:
                lines = [f"{label} is not gone after {seconds:.0f} s{held}"]
                lines += await story(self._api, last) if last else []
                raise ProviderError("\n".join(lines), fix="end what holds it, then run again")
            say(f"{label} is going{held}")
            await asyncio.sleep(_pause(look))
            look += 1

    async def _reasons(self, live: Json, label: str, verdict: Verdict, seconds: float) -> tuple[str, ...]:
        if self.stopped:
            return (f"{label}: waiting for it was interrupted; {verdict.said}",)
        how = "can't become ready" if verdict.failed else f"is not ready after {seconds:.0f} s"
        return (f"{label} {how}: {verdict.said}", *await story(self._api, live))

    async def _around(self, live: Json) -> Json:
        """What else decides on an object."""
        metadata, spec = live["metadata"], live.get("spec") or {}
        if live["kind"] == "Service" and spec.get("selector"):
            path = f"/apis/discovery.k8s.io/v1/namespaces/{metadata['namespace']}/endpointslices"
            query = {"labelSelector": f"kubernetes.io/service-name={metadata['name']}"}
            slices = (await self._api.get(path, query) or {}).get("items") or []
            points = [each for found in slices for each in found.get("endpoints") or []]
            ready = [each for each in points if (each.get("conditions") or {}).get("ready") is not False]
            return {"endpoints": len(ready)}
        if live["kind"] == "PersistentVolumeClaim" and spec.get("storageClassName"):
            try:
                found = await self._api.get(f"/apis/storage.k8s.io/v1/storageclasses/{spec['storageClassName']}")
            except ApiError:
                # Whoever may make claims need not be allowed to read classes.
                found = None
            return {"binding": (found or {}).get("volumeBindingMode")}
        return {}


def _pause(look: int) -> float:
    return POLL_SECONDS[min(look, len(POLL_SECONDS) - 1)]


def _held(live: Json) -> str:
    finalizers = [*(live["metadata"].get("finalizers") or []), *((live.get("spec") or {}).get("finalizers") or [])]
    left = [
        str(each.get("message"))
        for each in (live.get("status") or {}).get("conditions") or []
        if each.get("status") == "True" and str(each.get("type")).startswith("Namespace")
    ]
    return (f"; finalizers: {', '.join(finalizers)}" if finalizers else "") + "".join(f"; {each}" for each in left)

"""Which kinds a cluster has, and where their objects lie."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from greenfield.errors import ProviderError
from greenfield.kubernetes_provider.api import Api

KIND_SECONDS = 30.0
"""How long a kind is waited for: a custom resource may be created beside its definition, without a dependency."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind as the API server serves it. ``plural`` is its name in paths."""

    api_version: str
    name: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Where an object lies, or all objects of the kind."""
        base = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        within = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{base}{within}/{self.plural}" + (f"/{name}" if name else "")


class Kinds:
    """Discovery, each group's version asked once (again for a kind that is not there yet)."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[tuple[str, str], Kind] = {}

    async def find(self, api_version: str, name: str) -> Kind | None:
        """A kind, or ``None`` where the cluster does not have it."""
        if (api_version, name) not in self._known:
            base = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
            found = await self._api.get(base)
            for each in (found or {}).get("resources") or []:
                if "/" not in each["name"]:
                    kind = Kind(api_version, each["kind"], each["name"], bool(each["namespaced"]))
                    self._known[api_version, each["kind"]] = kind
        return self._known.get((api_version, name))

    async def require(self, api_version: str, name: str) -> Kind:
        """A kind, waited for a while.

        Raises:
            ProviderError: the cluster does not have it.
        """
        until = time.monotonic() + KIND_SECONDS
        while (found := await self.find(api_version, name)) is None:
            if time.monotonic() > until:
                raise ProviderError(
                    f"the cluster has no kind {name} in {api_version} (waited {KIND_SECONDS:.0f} s)",
                    fix="create its CustomResourceDefinition first, or correct apiVersion and kind",
                )
            await asyncio.sleep(1)
        return found

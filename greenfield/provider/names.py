"""``greenfield:index:Names``: namespaces that a platform is about to make are nobody else's.

Server-side apply takes over what is there. A namespace that someone has made by hand would become the platform's, and
go with all that is in it when its tenant leaves the spec.
"""

from __future__ import annotations

import asyncio
from typing import Any

from greenfield.errors import ProviderError
from greenfield.provider.display import Display
from greenfield.provider.kubernetes_api import Access, NoKeyError, RefusedError
from greenfield.provider.resource import Call, Difference, Resource, Values
from greenfield.provider.values import has_unknown

MANAGERS = "pulumi-kubernetes-"
"""What the field managers of stacks begin with: a run that was killed finds what it had made."""

NOT_FOUND = 404


class Names(Resource):
    """Inputs and outputs: ``kubeconfig`` (secret), ``namespaces``. Only names that are new to it are asked for."""

    secrets = frozenset({"kubeconfig"})

    def __init__(self, display: Display) -> None:
        self._display = display

    def diff(self, old: Values, inputs: Values) -> Difference:
        """Other names; whose kubeconfig asked for those of before is nothing to change."""
        return Difference(("namespaces",) if old.get("namespaces") != inputs.get("namespaces") else ())

    async def create(self, call: Call, inputs: Values) -> Values:
        """See that no name is taken."""
        return await self.update(call, {}, inputs)

    async def update(self, call: Call, old: Values, inputs: Values) -> Values:
        """See that no new name is taken.

        Raises:
            ProviderError: someone else has made namespaces of such names.
        """
        if not (call.preview or has_unknown(inputs)):
            new = [name for name in inputs["namespaces"] if name not in (old.get("namespaces") or [])]
            try:
                taken = await asyncio.to_thread(_taken, inputs["kubeconfig"], new)
            except NoKeyError as error:
                self._display.warn(call.urn, f"who has made namespaces of tenants was not looked at: {error.message}")
                taken = []
            if taken:
                raise ProviderError(
                    f"the cluster has namespaces of tenants that no stack has made: {', '.join(taken)}",
                    fix="give those tenants other names, or delete the namespaces if nobody needs what is in them",
                )
        return dict(inputs)


def _taken(kubeconfig: str, names: list[str]) -> list[str]:
    access = Access.of(kubeconfig) if names else None
    return [name for name in names if access and _made_by_others(access, name)]


def _made_by_others(access: Access, name: str) -> bool:
    try:
        live = access.ask("GET", f"/api/v1/namespaces/{name}")
    except RefusedError as error:
        if error.status == NOT_FOUND:
            return False
        raise
    fields: list[dict[str, Any]] = live["metadata"].get("managedFields") or []
    return not any(str(each.get("manager")).startswith(MANAGERS) for each in fields)

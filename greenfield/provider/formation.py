"""``greenfield:index:Formation``: an engine as a whole, after all its cells: formed, or waited for until a deadline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from greenfield.configure import Connection, HostResult, Job, Target
from greenfield.errors import GreenfieldError, ProviderError
from greenfield.provider.resource import Call, Difference, PartialFailureError, Resource, Values
from greenfield.provider.rollout import host_error
from greenfield.provider.session import Session


class Formation(Resource):
    """Inputs: ``engine``, ``role``, ``content``, ``common``, ``secrets``, ``members`` (host to JSON of its address and
    variables), ``cells`` (cell to what its hosts were converged to), ``connection``. Output: ``facts``, what the role
    handed back (cluster id, version).
    """

    secrets = frozenset({"secrets"})

    def __init__(self, session: Session) -> None:
        self._session = session

    def check(self, inputs: Values) -> list[tuple[str, str]]:
        """An engine without members is refused."""
        return [] if inputs.get("members") else [("members", "an engine needs at least one member")]

    def diff(self, old: Values, inputs: Values) -> Difference:
        """Any change of the engine's cells or variables makes the whole be looked at again."""
        keys = ("role", "content", "common", "secrets", "members", "cells")
        paths = tuple(key for key in keys if old.get(key) != inputs.get(key))
        return Difference(paths, tuple(path for path in paths if path == "role"))

    async def create(self, call: Call, inputs: Values) -> Values:
        """Form the engine from one member's host; the role waits for the whole with a deadline of its own."""
        if call.preview:
            return inputs
        await self._session.before_change(inputs["site"])
        return {**inputs, "facts": dict(await self._form(call, inputs))}

    async def update(self, call: Call, old: Values, inputs: Values) -> Values:
        """Form again; the role changes nothing where all is well."""
        if call.preview:
            return {**old, **inputs}
        await self._session.before_change(inputs["site"])
        try:
            return await self.create(call, inputs)
        except GreenfieldError as error:
            # Part of the change may be done, which a next run with the inputs of before must not take for nothing.
            raise PartialFailureError({**old, "cells": {}}, (str(error),)) from error

    async def _form(self, call: Call, inputs: Values) -> Mapping[str, Any]:
        connection = inputs["connection"]
        common = {**json.loads(inputs["common"]), **(inputs.get("secrets") or {})}
        last: HostResult | None = None
        for host, text in inputs["members"].items():
            own = json.loads(text)
            job = Job(
                f"{inputs['engine']} formation",
                (inputs["role"],),
                (Target(host, own["address"], own["variables"]),),
                Connection(
                    connection["user"], connection["knownHosts"], connection.get("identityFile", ""), connection["port"]
                ),
                common,
                "form",
            )
            result = await self._session.run(job, call.urn)
            last = result.hosts[host]
            if not last.failed:
                return last.facts
            # Only a host that can't be reached is worth another one's try: a failed formation fails anywhere.
            if last.status == "failed":
                break
        words = host_error(last) if last else "no member"
        raise ProviderError(
            f"{inputs['engine']} did not form: {words}",
            fix="mend what it names and run again; formation goes on where it stopped",
        )

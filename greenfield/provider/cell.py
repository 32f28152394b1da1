"""``greenfield:index:Cell``: one layer on the hosts of one node pool in one rack, the unit of change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from greenfield.configure import HostResult
from greenfield.errors import ProviderError
from greenfield.model.marks import DRIFTED, LOST
from greenfield.provider.cell_state import (
    AUTHORITIES,
    DesiredHosts,
    batch_of,
    desired_hosts,
    expired,
    reasons,
    state_of,
    stood,
)
from greenfield.provider.gate import Gate
from greenfield.provider.held import held
from greenfield.provider.resource import Call, Difference, PartialFailureError, Resource, Values
from greenfield.provider.rollout import HOST_LAYER, Rollout, host_error
from greenfield.provider.session import Session
from greenfield.provider.values import UNKNOWN, has_unknown
from greenfield.restoring import wanted as wanted_restores


class Cell(Resource):
    """Converges exactly the hosts whose desired state differs from the state's digest of them.

    Inputs: see ``greenfield.provider.schema``. Outputs: the inputs but the authority, and ``digests`` (host to the
    digest it was converged to), ``issued`` (host to the moment its certificate was issued), ``faults`` (host to what
    went wrong), ``stood`` (hosts that carried the layer at some time).
    """

    secrets = frozenset({"secrets", *AUTHORITIES})
    immutable = ("layer", "rack")

    def __init__(self, session: Session, rollouts: Callable[[str], Rollout]) -> None:
        self._session = session
        self._rollouts = rollouts
        self._declared: set[str] = set()
        self._leaving: dict[str, asyncio.Lock] = {}

    def check(self, inputs: Values) -> list[tuple[str, str]]:
        """An empty cell is refused: nothing selected never means everything."""
        self._declared.add(str(inputs.get("layer")))
        if not inputs.get("hosts") and not inputs.get("quarantined"):
            return [("hosts", "a cell needs at least one host")]
        return []

    def diff(self, old: Values, inputs: Values) -> Difference:
        """Which hosts change, and why."""
        replaces = tuple(key for key in self.immutable if old.get(key) != inputs.get(key))
        if replaces:
            return Difference(replaces, replaces)
        if any(has_unknown(inputs.get(key)) for key in self.secrets):
            return Difference(("authority",), (), ("its certificates or passwords are made anew",))
        inputs, holding = held(old, inputs)
        wanted = desired_hosts(old, inputs, int(time.time()))
        why = reasons(old, inputs, wanted)
        told = [f"~ {host}: {reason}" for host, reason in why.items()]
        if holding:
            told.append(f"{', '.join(holding)}: open as before until these have left: {', '.join(inputs['leaving'])}")
        paths = [f'hosts["{host}"]' for host in why]
        paths += [key for key in ("wipe", "connection") if old.get(key) != inputs.get(key)]
        return Difference(tuple(paths), (), tuple(told))

    async def create(self, call: Call, inputs: Values) -> Values:
        """Converge every host of the cell, side by side with the other cells that are created now."""
        if call.preview:
            return _known(inputs, {})
        await self._session.before_change(inputs["site"], inputs["layer"])
        wanted = desired_hosts({}, inputs, int(time.time()))
        if not wanted:
            return state_of(inputs, {}, wanted, {})
        batch = batch_of(call.urn, inputs, wanted, list(wanted), frozenset(), restore=_restore(inputs))
        results = await self._rollout(inputs).side_by_side(batch)
        return self._settle(inputs, {}, wanted, results)

    async def update(self, call: Call, old: Values, inputs: Values) -> Values:
        """Converge the hosts that differ, when this cell's turn has come and the engines' gates are open."""
        if has_unknown(inputs):
            return _known(inputs, old)
        inputs, _ = held(old, inputs)
        wanted = desired_hosts(old, inputs, int(time.time()))
        moving = list(reasons(old, inputs, wanted))
        gone = [
            host for host in old.get("hosts", {}) if host not in wanted and host not in inputs.get("quarantined", [])
        ]
        moving = [host for host in moving if host not in gone]
        if call.preview:
            return _known(inputs, old)
        if not moving and not gone:
            return state_of(inputs, old, wanted, {})
        await self._session.before_change(inputs["site"], inputs["layer"])
        results: dict[str, HostResult] = {}
        if moving:
            # A host whose certificate has expired serves nobody, and neither do its peers of the same age: a gate that
            # asked them would keep shut for ever what the renewal mends.
            alive = [host for host in moving if not expired(old, host, int(time.time()))]
            standing = frozenset(host for host in alive if _stood(old, host))
            if inputs["layer"] == HOST_LAYER:
                self._session.mending.update(host for host in moving if not _stood(old, host))
            carries = old.get("digests") or {}
            gated = any(carries.get(host, LOST) != LOST for host in alive)
            gates = tuple(Gate.parse(self._session.gate(name)) for name in inputs.get("gates") or ()) if gated else ()
            batch = batch_of(
                call.urn,
                inputs,
                wanted,
                moving,
                standing,
                gated=gated,
                gates=gates,
                known=stood(old),
                restore=_restore(inputs),
            )
            results.update(await self._rollout(inputs).in_turn(batch))
        if gone and inputs["layer"] != HOST_LAYER:
            await self._take_away(call, old, gone, whole=False)
        return self._settle(inputs, old, wanted, results)

    async def read(self, call: Call, state: Values) -> Values:
        """Run the roles in check mode; a host that would change has drifted and loses its digest.

        Hosts in quarantine and hosts that were never converged are left out: there is nothing they could drift from.
        """
        hosts = [host for host in state.get("digests") or {} if host in _at_hand(state)]
        if not hosts:
            return state
        inputs = {**state, "authority": state.get("authority", {})}
        wanted = desired_hosts(state, inputs, 0)
        batch = batch_of(call.urn, inputs, wanted, hosts, frozenset(), check=True)
        results = await self._rollout(inputs).side_by_side(batch)
        digests = dict(state["digests"])
        for host, result in results.items():
            if result.status == "unreachable":
                self._session.display.warn(call.urn, f"{host_error(result)}; its drift is not known")
            elif result.facts.get("lost"):
                what = "is bare" if state["layer"] == HOST_LAYER else f"has lost all that it had of {state['layer']}"
                self._session.display.warn(call.urn, f"{host} {what}")
                digests[host] = LOST
            elif result.failed:
                self._session.display.warn(call.urn, f"drift on {host_error(result)}")
                digests[host] = DRIFTED
            elif result.status == "changed":
                tasks = ", ".join(dict.fromkeys(result.changed_tasks))
                self._session.display.warn(call.urn, f"drift on {host}: {tasks}")
                digests[host] = DRIFTED
        return {**state, "digests": digests}

    async def delete(self, call: Call, state: Values) -> None:
        """Take an engine's members away, drained first; their data stays unless the spec named it for wiping.

        Where other cells of the engine stay, it only shrinks: its members leave it in good order, one cell after the
        other, and keep their data whatever the spec named.
        """
        layer = state["layer"]
        if layer == HOST_LAYER:
            return
        await self._session.before_change(state["site"])
        whole = bool(state.get("wipe")) and layer not in self._declared
        away = self._session.quarantined
        away = set(state.get("quarantined") or ()) if away is None else away
        for host in away.intersection(state.get("hosts") or ()):
            self._session.display.warn(call.urn, f"{host} is in quarantine: what it has of {layer} was left as it is")
        hosts = [host for host in state.get("hosts") or {} if host not in away]
        await self._take_away(call, state, hosts, whole=whole)

    async def _take_away(self, call: Call, state: Values, hosts: list[str], *, whole: bool) -> None:
        """Take members away: ``whole`` when the engine itself goes, named for wiping, so that no quorum must stay."""
        # One cell after the other: two members that leave at once could take the quorum with them. An engine that
        # goes as a whole has none to keep.
        alone = self._leaving.setdefault(state["layer"], asyncio.Lock())
        async with nullcontext() if whole else alone:
            for entry in ("drain", "remove"):
                for host in hosts:
                    await self._leave(call, state, host, entry, whole)
        self._session.left(state["layer"], hosts)

    async def _leave(self, call: Call, state: Values, host: str, entry: str, whole: bool) -> None:
        wanted = desired_hosts(state, state, 0)
        batch = batch_of(call.urn, state, wanted, [host], frozenset(), entry=entry, retire=whole)
        result = (await self._rollout(state).side_by_side(batch))[host]
        # A host that is gone for good can't be asked to leave; its engine forgets it by its other members.
        if result.status == "unreachable":
            self._session.display.warn(call.urn, f"{host} did not answer; it was left as it is")
        elif result.failed:
            raise ProviderError(
                f"{call.name}: {entry} stopped at {host_error(result)}",
                fix="mend it and run again; members not named here were not touched",
            )

    def _rollout(self, inputs: Values) -> Rollout:
        return self._rollouts(inputs["layer"])

    def _settle(self, inputs: Values, old: Values, wanted: DesiredHosts, results: Any) -> Values:
        """The state after a run; hosts that failed keep no digest, so that the next run goes to them again."""
        state = state_of(inputs, old, wanted, results)
        failed = [result for result in results.values() if result.failed]
        if failed:
            done = len(results) - len(failed)
            lines = [host_error(result) for result in failed]
            raise PartialFailureError(
                state, (*lines, f"{done} of {len(results)} hosts of this cell are done; run again for the rest")
            )
        return state


def _stood(old: Values, host: str) -> bool:
    return (old.get("digests") or {}).get(host, DRIFTED) not in (DRIFTED, LOST)


def _restore(inputs: Values) -> str:
    """The snapshot that the cell's engine begins from, where this run names one."""
    path = wanted_restores().get(inputs["layer"])
    return str(path) if path else ""


def _at_hand(state: Values) -> list[str]:
    """Hosts of a state that may be touched."""
    return [host for host in state.get("hosts") or {} if host not in (state.get("quarantined") or [])]


def _known(inputs: Values, old: Values) -> Values:
    state = {key: value for key, value in {**old, **inputs}.items() if key not in AUTHORITIES}
    return {**state, "digests": UNKNOWN, "issued": UNKNOWN, "faults": UNKNOWN, "stood": UNKNOWN}

"""What a plan changes against what is deployed: hosts and members that are new, change, restart, move or go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from greenfield.content import roles_digest
from greenfield.engines import ENGINES
from greenfield.model.marks import ROLES
from greenfield.plan.desired import cell_variables
from greenfield.plan.plan import HOST_LAYER, Cell, Plan
from greenfield.plan.words import listed, plural, size

VARIABLES, CONTENT, WHY = "variables", "content", "why"
"""Keys of a host in a deployed snapshot."""

LONG = 40
"""Text longer than this says nothing to a person; that it is another one does."""


@dataclass(frozen=True, slots=True)
class HostChange:
    """One layer of one host. ``reasons`` name what differs; ``restart`` says whether a member restarts for it."""

    cell: str
    layer: str
    host: str
    reasons: tuple[str, ...] = ()
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A member that stood on one host and is planned on another."""

    engine: str
    member: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything a plan changes; empty when the deployed state is the desired one.

    Attributes:
        whole: engines that come or go as a whole.
    """

    new: tuple[HostChange, ...]
    changed: tuple[HostChange, ...]
    goes: tuple[HostChange, ...]
    moves: tuple[Move, ...]
    whole: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """Plain lists and mappings."""
        return {**asdict(self), "whole": sorted(self.whole)}

    def summary(self) -> str:
        """One line, e.g. ``+ 9 hosts, + 2 engines``. An engine that is only in part new or gone counts by member."""
        parts = []
        for sign, entries in (("+", self.new), ("~", self.changed), ("-", self.goes)):
            hosts = {entry.host for entry in entries if entry.layer == HOST_LAYER}
            layers = Counter(entry.layer for entry in entries if entry.layer != HOST_LAYER)
            members = sum(count for layer, count in layers.items() if layer not in self.whole)
            engines = sum(layer in self.whole for layer in layers)
            counted = ((len(hosts), "host"), (engines, "engine"), (members, "member"))
            parts += [f"{sign} {plural(count, noun)}" for count, noun in counted if count]
        restarts = sum(entry.restart for entry in self.changed)
        parts += [plural(restarts, "restart")] if restarts else []
        parts += [plural(len(self.moves), "move")] if self.moves else []
        return listed(parts) or "none"


def changes(
    plan: Plan,
    deployed: Mapping[str, Any] | None,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
) -> Changes:
    """Compare a plan with a deployed snapshot. Hosts in quarantine are not touched, so they do not change.

    What neither the plan nor ``facts`` knows is not compared: secrets, and certificates that are due.

    Args:
        deployed: cell name to host name to ``{"variables": {...}, "content": ..., "why": ...}``, each key optional:
            the layer's variables, common and own; the digest of its roles; and why the host changes in any case.
            ``greenfield.plan.deployed`` makes it.
        facts: what the plan does not know of a layer's variables, by layer (of the artifact lock).
    """
    before = {cell: dict(hosts) for cell, hosts in (deployed or {}).items()}
    planned = {cell.name: cell for cell in plan.cells}
    new: list[HostChange] = []
    changed: list[HostChange] = []
    for cell in plan.cells:
        shared, own = cell_variables(plan, cell, (facts or {}).get(cell.layer, {}))
        for host in (host for host in cell.hosts if host not in cell.quarantined):
            if host not in before.get(cell.name, {}):
                new.append(HostChange(cell.name, cell.layer, host))
                continue
            reasons, restart = _compare(plan, cell, before[cell.name][host], {**shared, **own[host]})
            changed += [HostChange(cell.name, cell.layer, host, reasons, restart)] if reasons else []
    goes = [
        HostChange(cell, _layer(cell, planned, hosts[host]), host)
        for cell, hosts in before.items()
        for host in hosts
        if cell not in planned or host not in planned[cell].hosts
    ]
    stood = {_layer(cell, planned, state) for cell, hosts in before.items() for state in hosts.values()}
    whole = frozenset(stood ^ {cell.layer for cell in plan.cells}) - {HOST_LAYER}
    return Changes(tuple(new), tuple(changed), tuple(goes), _moves(plan, before), whole)


def _layer(cell: str, planned: Mapping[str, Cell], state: Mapping[str, Any]) -> str:
    if cell in planned:
        return planned[cell].layer
    variables = state.get(VARIABLES, {})
    named = [str(value) for key, value in variables.items() if key in _CLUSTER_KEYS]
    if named:
        return named[0]
    return HOST_LAYER if cell.startswith(f"{HOST_LAYER}-") else cell


_CLUSTER_KEYS = {f"{kind.role}_cluster" for kind in ENGINES.values()}


def _compare(
    plan: Plan, cell: Cell, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[tuple[str, ...], bool]:
    """What differs between a host's deployed and desired variables, in words, and whether a member restarts for it."""
    old = before.get(VARIABLES, after)
    differing = [key for key in sorted(after) if old.get(key) != after[key]]
    reasons = [before[WHY]] if WHY in before else []
    reasons += [_reason(_short(cell, key), old.get(key), after[key]) for key in differing]
    if before.get(CONTENT) not in (None, roles_digest(cell.roles)):
        reasons.append(ROLES)
    return tuple(reasons), _restarts(plan, cell, differing)


def _short(cell: Cell, key: str) -> str:
    return next((key.removeprefix(f"{role}_") for role in cell.roles if key.startswith(f"{role}_")), key)


def _restarts(plan: Plan, cell: Cell, differing: list[str]) -> bool:
    if cell.layer == HOST_LAYER:
        return False
    live = ENGINES[plan.cluster.engines[cell.layer].kind].live
    return any(_short(cell, key) not in live for key in differing)


def _reason(key: str, old: Any, new: Any) -> str:
    if isinstance(old, list) and isinstance(new, list):
        gone = [entry for entry in old if entry not in new]
        come = [entry for entry in new if entry not in old]
        parts = [f"{len(come)} new"] if come else []
        parts += [f"{len(gone)} gone"] if gone else []
        return f"{key}: {listed(parts) or 'other order'}"
    if old is None:
        return f"{key}: new"
    if key.endswith("_bytes") and isinstance(old, int) and isinstance(new, int):
        return f"{key.removesuffix('_bytes')}: {size(old)} → {size(new)}"
    if max(len(str(old)), len(str(new))) > LONG:
        return f"{key}: another"
    return f"{key}: {old} → {new}"


def _moves(plan: Plan, before: Mapping[str, Mapping[str, Any]]) -> tuple[Move, ...]:
    stood: dict[tuple[str, str], str] = {}
    for hosts in before.values():
        for host, state in hosts.items():
            variables = state.get(VARIABLES, {})
            for kind in ENGINES.values():
                engine, member = variables.get(f"{kind.role}_cluster"), variables.get(f"{kind.role}_member")
                if engine and member:
                    stood[engine, member] = host
    return tuple(
        Move(member.engine, member.slot.name, stood[member.engine, member.slot.name], member.host)
        for member in plan.members
        if stood.get((member.engine, member.slot.name), member.host) != member.host
    )

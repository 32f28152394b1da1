"""What hosts hold on to until members have left: ports that are open to them, names, kernel settings.

The host layer is converged before the engines, and Pulumi deletes last. So where something leaves, the host layer gives
nothing up in that run: it only adds. The state tells what hosts have, and the run after the leaving sets it right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from greenfield.model.packed import as_json, pack, unpack
from greenfield.provider.resource import Values

Engines = Collection[str]


def held(old: Values, inputs: Values) -> tuple[Values, list[str]]:
    """A host layer's inputs with what its hosts don't give up yet, and the hosts that hold on to something.

    ``leaving`` names the engines that have yet to leave hosts. Lists that all hosts of a cell share are united once and
    stay shared: a large engine's peers are most of a state.
    """
    if not inputs.get("leaving") or not old.get("hosts"):
        return inputs, []
    unite = _Unite(inputs["leaving"])
    before, after = unpack(old["common"]), unpack(inputs["common"])
    common = {**after, **{key: unite(key, before[key], after[key]) for key in HELD if key in before and key in after}}
    hosts, holding = dict(inputs["hosts"]), []
    for name, text in inputs["hosts"].items():
        own = json.loads(text)
        has = {**before, **json.loads(old["hosts"][name])["variables"]} if name in old["hosts"] else {}
        wants = {**after, **own["variables"]}
        both = {key: unite(key, has[key], wants[key]) if key in has else wants[key] for key in HELD if key in wants}
        if any(both[key] is not wants[key] and both[key] != wants[key] for key in both):
            holding.append(name)
        differs = {key: value for key, value in both.items() if key not in common or not _same(value, common[key])}
        rest = {key: value for key, value in own["variables"].items() if key not in HELD}
        hosts[name] = as_json({**own, "variables": {**rest, **differs}})
    return ({**inputs, "common": pack(common), "hosts": hosts}, holding) if holding else (inputs, [])


def _same(one: Any, other: Any) -> bool:
    return one is other or one == other


class _Unite:
    """Unites what hosts have with what they shall have, each pair of values once."""

    def __init__(self, engines: Engines) -> None:
        self._engines = frozenset(engines)
        self._known: dict[tuple[str, int, int], tuple[Any, Any, Any]] = {}

    def __call__(self, key: str, was: Any, now: Any) -> Any:
        place = (key, id(was), id(now))
        if place not in self._known:
            # With both values, so that none of them goes and another takes its number.
            self._known[place] = (was, now, now if _same(was, now) else HELD[key](was, now, self._engines))
        return self._known[place][2]


def _ports(was: list[dict[str, Any]], now: list[dict[str, Any]], engines: Engines) -> list[dict[str, Any]]:
    """Ports of these engines open to all that they were and are open to, in the order in which the plan has ports."""
    found = {_port(entry): entry for entry in was if entry["purpose"].partition(" ")[0] in engines}
    for entry in now:
        known = found.get(_port(entry))
        found[_port(entry)] = {**entry, "sources": _all(known["sources"], entry["sources"])} if known else entry
    return sorted(found.values(), key=lambda entry: (entry["port"], entry["purpose"]))


def _port(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return entry["port"], entry.get("protocol", "tcp"), entry["purpose"]


def _all(was: list[str], now: list[str]) -> list[str]:
    """All of both; where nothing is new, as it was, so that hosts on which nothing changes are left alone."""
    had, has = set(was), set(now)
    return was if has <= had else [*now, *(entry for entry in was if entry not in has)]


def _peers(was: list[dict[str, str]], now: list[dict[str, str]], _: Engines) -> list[dict[str, str]]:
    had, has = ({(entry["name"], entry["address"]) for entry in entries} for entries in (was, now))
    return was if has <= had else [*now, *(e for e in was if (e["name"], e["address"]) not in has)]


def _settings(was: dict[str, str], now: dict[str, str], _: Engines) -> dict[str, str]:
    return {**was, **now}


def _either(was: str, now: str, _: Engines) -> str:
    return now or was


def _more(was: int, now: int, _: Engines) -> int:
    return max(was, now)


HELD: Mapping[str, Callable[[Any, Any, Engines], Any]] = {
    "baseline_ports": _ports,
    "baseline_peers": _peers,
    "baseline_sysctls": _settings,
    "baseline_transparent_hugepage": _either,
    "baseline_open_files": _more,
}
"""What a host layer gives engines (``greenfield.plan.desired``), and how what was and what is to be go together."""

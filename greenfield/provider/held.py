"""What hosts hold on to until members have left: ports that are open to them, names, kernel settings.

The host layer is converged before the engines, and Pulumi deletes last. So where something leaves, the host layer gives
nothing up in that run: it only adds. The state tells what hosts have, and the run after the leaving sets it right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from greenfield.model.packed import as_json, unpack
from greenfield.provider.resource import Values


def held(old: Values, inputs: Values) -> tuple[Values, list[str]]:
    """A host layer's inputs with what its hosts don't give up yet, and the hosts that hold on to something."""
    if not inputs.get("leaving") or not old.get("hosts"):
        return inputs, []
    before, after = unpack(old["common"]), unpack(inputs["common"])
    hosts, holding = dict(inputs["hosts"]), []
    for name in old["hosts"].keys() & hosts.keys():
        own = json.loads(hosts[name])
        was = {**before, **json.loads(old["hosts"][name])["variables"]}
        now = {**after, **own["variables"]}
        both = {key: unite(was[key], now[key]) for key, unite in HELD.items() if key in was and key in now}
        more = {key: value for key, value in both.items() if value != now[key]}
        if more:
            hosts[name] = as_json({**own, "variables": {**own["variables"], **more}})
            holding.append(name)
    return {**inputs, "hosts": hosts}, sorted(holding)


def _ports(was: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each port open to all that it was and is open to, in the order in which the plan has ports."""
    found = {_port(entry): entry for entry in was}
    for entry in now:
        known = found.get(_port(entry), entry)
        found[_port(entry)] = {**entry, "sources": _both(known["sources"], entry["sources"])}
    return sorted(found.values(), key=lambda entry: (entry["port"], entry["purpose"]))


def _port(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return entry["port"], entry.get("protocol", "tcp"), entry["purpose"]


def _both(was: list[Any], now: list[Any]) -> list[Any]:
    """All of both; where nothing is new, as it was, so that hosts on which nothing changes are left alone."""
    new = [entry for entry in now if entry not in was]
    return [*now, *(entry for entry in was if entry not in now)] if new else was


def _settings(was: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    return {**was, **now}


def _either(was: str, now: str) -> str:
    return now or was


HELD: Mapping[str, Callable[[Any, Any], Any]] = {
    "baseline_ports": _ports,
    "baseline_peers": _both,
    "baseline_sysctls": _settings,
    "baseline_transparent_hugepage": _either,
    "baseline_open_files": max,
}
"""What a host layer gives engines (``greenfield.plan.desired``), and how old and new go together."""

"""Why members found no host, in words."""

from __future__ import annotations

from collections import Counter

from greenfield.engines import ENGINES
from greenfield.model.cluster import Cluster, EngineSpec
from greenfield.model.problem import Problem
from greenfield.plan.placement import EnginePlacement
from greenfield.plan.words import some


def unplaced_problem(
    cluster: Cluster, engine: EngineSpec, placement: EnginePlacement, *, pool_short: bool
) -> Problem | None:
    """The one reason for an engine's unplaced members: too few racks, too few hosts, or racks with too few hosts.

    ``None`` when the pool itself is short of hosts, which is reported already and would mend this too.
    """
    base = ("Cluster", cluster.name, "spec", "engines", engine.name)
    hosts, site = placement.hosts, placement.ledger.site
    racks = [rack for rack in site.racks if rack in set(placement.rack_of.values())]
    groups = Counter(slot.group for slot in placement.slots.values())
    option, _ = ENGINES[engine.kind].fewer(len(racks))
    largest = max(groups.values())
    if largest > (len(site.racks) if pool_short else len(racks)):
        setting = ENGINES[engine.kind].fewer(len(racks))[1]
        which = "" if len(groups) == 1 else f" of {max(groups, key=groups.__getitem__)}"
        return Problem(
            (*base, option),
            f"{largest} members{which} need {largest} failure domains (racks); "
            f'pool "{engine.pool}" has hosts in {len(racks)}: {some(racks, 8) or "none"}',
            f"{setting}, or add racks" if setting else "add racks",
            "too-few-failure-domains",
        )
    if pool_short:
        return None
    wanted = len(placement.slots)
    if wanted > len(hosts):
        return Problem(
            (*base, "pool"),
            f'{wanted} members need {wanted} hosts, one each; pool "{engine.pool}" has {len(hosts)}',
            f"count: {wanted} in pool {engine.pool}, or fewer members",
            "too-few-hosts",
        )
    per_rack = Counter(placement.rack_of.values())
    lone = some([f"{rack} {per_rack[rack]}" for rack in racks], 8)
    stuck = some([f"{slot.name} (of {slot.group})" for slot in placement.unplaced], 3)
    return Problem(
        (*base, "pool"),
        f'no host is left in another rack than the rest of the group for {stuck}; pool "{engine.pool}" has: {lone}',
        "spread the pool evenly (spread: {over: rack, atMost: ...}), or add hosts in the racks with fewest",
        "racks-too-uneven",
    )

"""From a site and a cluster to a plan, or to everything that is in its way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from greenfield.engines import ENGINES
from greenfield.errors import PlanError
from greenfield.model.cluster import Cluster
from greenfield.model.problem import Problem
from greenfield.model.site import Site
from greenfield.plan.capacity import capacity_problems
from greenfield.plan.clashes import clashes
from greenfield.plan.domains import loss_problems, losses
from greenfield.plan.ledger import Ledger
from greenfield.plan.placement import EnginePlacement
from greenfield.plan.placement_record import EMPTY, Placement
from greenfield.plan.plan import HOST_LAYER, HOST_ROLES, Cell, HostPlan, Member, Plan
from greenfield.plan.pools import Pools
from greenfield.plan.power import draw_by_rack, rack_power
from greenfield.plan.shortage import unplaced_problem
from greenfield.plan.standing import standing_problems


def make_plan(
    site: Site, cluster: Cluster, standing: Placement | None = None, quarantine: frozenset[str] = frozenset()
) -> Plan:
    """Decide where everything goes.

    Args:
        standing: what stands already; it is kept wherever it is still allowed.
        quarantine: hosts not to touch in this run. They keep what they hold; new work avoids them.

    Raises:
        PlanError: with every problem of severity error that ``check`` finds, or a quarantined host is unknown.
    """
    unknown = sorted(quarantine - site.hosts.keys())
    if unknown:
        raise PlanError(
            f"site {site.name} has no host {', '.join(unknown)} to quarantine",
            fix="name hosts as the site does; a host that is not named would be touched",
        )
    plan, problems = _build(site, cluster, standing or EMPTY, quarantine)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        first = "; ".join(problem.message for problem in errors[:3])
        more = f" (and {len(errors) - 3} more)" if len(errors) > 3 else ""
        raise PlanError(f"cluster {cluster.name} can't be planned: {first}{more}", errors, fix=errors[0].fix)
    return plan


def check(
    site: Site, cluster: Cluster, standing: Placement | None = None, named: Collection[str] = ()
) -> list[Problem]:
    """Every problem in the way of a plan, errors and warnings, without raising.

    Args:
        standing: what stands already.
        named: engines that the spec names beside the cluster's, as they are too wrong to be read.
    """
    return _build(site, cluster, standing or EMPTY, frozenset(), named)[1]


@dataclass(slots=True)
class _Draft:
    """What placement yields before it is judged."""

    members: list[Member] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def _build(
    site: Site, cluster: Cluster, standing: Placement, quarantine: frozenset[str], named: Collection[str] = ()
) -> tuple[Plan, list[Problem]]:
    slots = {name: ENGINES[engine.kind].slots(engine) for name, engine in cluster.engines.items()}
    pools = Pools(site, cluster, slots, standing=standing, quarantine=quarantine)
    ledger = Ledger(site, cluster, slots)
    draft = _place(cluster, pools, ledger, standing, quarantine)
    members = tuple(draft.members)
    in_pools = {host for hosts in pools.chosen.values() for host in hosts}
    leaving = standing.left_by(_slots(cluster, members))
    used = in_pools.union(*leaving.values())
    found = losses(site, cluster, members, draw_by_rack(site, site.hosts.values()))
    plan = Plan(
        site=site,
        cluster=cluster,
        pools=pools.chosen,
        hosts=_hosts(site, pools.chosen, members, ledger),
        members=members,
        cells=_cells(site, cluster, pools.chosen, members, quarantine=quarantine & used, leaving=leaving),
        losses=found,
        power=rack_power(site, [host for name, host in site.hosts.items() if name in in_pools]),
        quarantine=quarantine & used,
        leaving=leaving,
    )
    problems = standing_problems(cluster, standing, named, quarantine)
    problems += [*pools.problems, *draft.problems, *clashes(plan, ledger)]
    # A group that could not be placed whole would look lost whatever fails.
    if not draft.problems:
        problems += loss_problems(cluster, found)
    problems += capacity_problems(cluster)
    warnings = tuple(problem for problem in problems if problem.severity == "warning")
    return replace(plan, warnings=warnings), problems


def _place(cluster: Cluster, pools: Pools, ledger: Ledger, standing: Placement, quarantine: frozenset[str]) -> _Draft:
    draft = _Draft()
    short = {problem.path[4] for problem in pools.problems}
    placements = {
        name: EnginePlacement(engine, pools.chosen.get(engine.pool, ()), ledger, quarantine)
        for name, engine in cluster.engines.items()
    }
    # Every engine's members that stand are entered first, or an engine could be placed on another's host.
    for name, placement in placements.items():
        placement.keep(standing.engines.get(name, {}))
    for name, placement in placements.items():
        engine = cluster.engines[name]
        placement.place()
        draft.members += [
            Member(name, engine.kind, ordinal, slot, placement.where[slot.name])
            for ordinal, slot in enumerate(ledger.slots[name])
            if slot.name in placement.where
        ]
        # A pool that is not there at all is the spec's error.
        if placement.unplaced and engine.pool in pools.chosen:
            problem = unplaced_problem(cluster, engine, placement, pool_short=engine.pool in short)
            draft.problems += [problem] if problem else []
    return draft


def _hosts(
    site: Site, pools: Mapping[str, Sequence[str]], members: Sequence[Member], ledger: Ledger
) -> dict[str, HostPlan]:
    held: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        held[member.host].append(member)
    pool_of = {host: pool for pool, hosts in pools.items() for host in hosts}
    plans: dict[str, HostPlan] = {}
    for name, host in site.hosts.items():
        if name in pool_of:
            usage = ledger.of(name)
            plans[name] = HostPlan(
                host=host,
                pool=pool_of[name],
                members=tuple(held[name]),
                memory_used_bytes=usage.memory_bytes,
                memory_bytes=usage.hardware.memory_bytes,
                disk_used_bytes=sum(usage.disk_bytes.values()),
                disk_bytes=sum(disk.size_bytes for disk in usage.hardware.disks.values()),
            )
    return plans


def _cells(
    site: Site,
    cluster: Cluster,
    pools: Mapping[str, Sequence[str]],
    members: Sequence[Member],
    *,
    quarantine: frozenset[str],
    leaving: Mapping[str, Sequence[str]],
) -> tuple[Cell, ...]:
    order = {name: index for index, name in enumerate(site.hosts)}

    def by_rack(hosts: Sequence[str]) -> dict[str, tuple[str, ...]]:
        racks: dict[str, list[str]] = defaultdict(list)
        for host in sorted(hosts, key=order.__getitem__):
            racks[site.hosts[host].rack].append(host)
        return {rack: tuple(racks[rack]) for rack in site.racks if rack in racks}

    def out(hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host for host in hosts if host in quarantine)

    cells = [
        Cell(f"{HOST_LAYER}-{pool}-{rack}", HOST_LAYER, pool, rack, own, HOST_ROLES, out(own))
        for pool, hosts in pools.items()
        for rack, own in by_rack(hosts).items()
    ]
    held: dict[str, list[str]] = {name: [] for name in cluster.engines}
    for member in members:
        held[member.engine].append(member.host)
    for name, engine in cluster.engines.items():
        roles, racks = ENGINES[engine.kind].roles, by_rack(held[name])
        # A host in quarantine can't be left yet, so it stays in its cell until it is back.
        stay = by_rack([host for host in leaving.get(name, ()) if host in quarantine and host in site.hosts])
        cells += [
            Cell(f"{name}-{rack}", name, engine.pool, rack, own, roles, (*out(own), *stay.get(rack, ())))
            for rack in site.racks
            if (own := racks.get(rack, ())) or rack in stay
        ]
    return tuple(cells)


def _slots(cluster: Cluster, members: Sequence[Member]) -> dict[str, dict[str, str]]:
    """Host of each member of each engine, by its slot."""
    found: dict[str, dict[str, str]] = {name: {} for name in cluster.engines}
    for member in members:
        found[member.engine][member.slot.name] = member.host
    return found

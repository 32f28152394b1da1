"""The plan as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from greenfield.engines.descriptor import Port
from greenfield.plan.capacity import runways
from greenfield.plan.changes import Changes
from greenfield.plan.cost import Cost
from greenfield.plan.plan import HostPlan, Plan
from greenfield.plan.survival import member_word, power_line, survival_line
from greenfield.plan.words import listed, plural, size, some

MOST_COLUMNS = 4
"""More engines than these share one column, so that the table keeps the width of a terminal."""

GIB = 2**30


def plan_table(plan: Plan, *, changes: Changes | None = None, artifacts: str = "", costs: Iterable[Cost] = ()) -> str:
    """The whole plan as text: host by host, then what it survives, draws, opens, and changes.

    Args:
        changes: against what is deployed; left out when unknown.
        artifacts: one line about what hosts install, from whoever knows the mirror.
        costs: of the cluster's budgets.
    """
    racks = {host.host.rack for host in plan.hosts.values()}
    head = (
        f"{plan.cluster.name} on {plan.site.name}: {plural(len(plan.hosts), 'host')} in {plural(len(racks), 'rack')}, "
        f"{plural(len(plan.cluster.engines), 'engine')}, {plural(len(plan.members), 'member')}"
    )
    table = "\n".join(f"  {line}" for line in _aligned([_titles(plan), *(_row(plan, h) for h in plan.hosts.values())]))
    facts = [
        survival_line(plan),
        power_line(plan) + (f"   artifacts: {artifacts}" if artifacts else ""),
        *_runways(plan),
        *_ports(plan),
        _certificates(plan),
        *(f"cost: hardware {c.hardware:,.0f} {c.currency}, power {c.power_per_month:,.0f} a month" for c in costs),
        *([f"quarantined, not touched: {listed(sorted(plan.quarantine))}"] if plan.quarantine else []),
        *([f"changes against what is deployed: {changes.summary()}", *_details(changes)] if changes else []),
    ]
    return "\n".join([head, "", table, "", *facts, ""])


def _titles(plan: Plan) -> list[str]:
    return ["host", "rack", "pool", *_columns(plan), "memory", "disk"]


def _columns(plan: Plan) -> list[str]:
    engines = plan.cluster.engines.values()
    return ["members"] if len(engines) > MOST_COLUMNS else [f"{engine.name} ({engine.kind})" for engine in engines]


def _row(plan: Plan, host: HostPlan) -> list[str]:
    if len(plan.cluster.engines) > MOST_COLUMNS:
        cells = [listed(f"{member.engine}: {member_word(member.slot)}" for member in host.members)]
    else:
        word = {member.engine: member_word(member.slot) for member in host.members}
        cells = [word.get(engine, "") for engine in plan.cluster.engines]
    memory = _share(host.memory_used_bytes, host.memory_bytes)
    return [host.host.name, host.host.rack, host.pool, *cells, memory, _share(host.disk_used_bytes, host.disk_bytes)]


def _share(used: int, total: int) -> str:
    return f"{used / GIB:.1f}/{total / GIB:.1f} GiB"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _runways(plan: Plan) -> list[str]:
    lines = []
    for runway in runways(plan.cluster):
        share = runway.needed_bytes / runway.limit_bytes
        growth = plan.cluster.engines[runway.engine].demand.growth_per_month
        if runway.months is None:
            when = "never full without growth"
        else:
            when = f"full in {runway.months:.0f} months at {growth:.0%} a month" if runway.months else "full now"
        lines.append(f"runway: {runway.engine} {share:.0%} of {size(runway.limit_bytes)} {runway.resource}, {when}")
    return lines


def _ports(plan: Plan) -> list[str]:
    """A line for each set of ports; engines that open the same ones share it."""
    opened: dict[tuple[Port, ...], list[str]] = {}
    for engine, members in plan.by_engine.items():
        if members:
            opened.setdefault(members[0].slot.ports, []).append(engine)
    return [
        f"ports: {some(engines, 3)}: {listed(f'{port.number} {port.purpose} (to {port.audience})' for port in ports)}"
        for ports, engines in opened.items()
    ]


def _certificates(plan: Plan) -> str:
    pki = plan.cluster.pki
    return (
        f"certificates: {len(plan.hosts):,} of hosts, {len(plan.members):,} of members; valid "
        f"{pki.lifetime_seconds // 86400} days, renewed {pki.renew_before_seconds // 86400} days before the end"
    )


def _details(changes: Changes) -> list[str]:
    """What changes host by host, and what moves or goes; new hosts are in the table already."""
    lines = [
        f"  ~ {entry.cell}: {entry.host}: {listed(entry.reasons)}{' (restart)' if entry.restart else ''}"
        for entry in changes.changed
    ]
    lines += [f"  > {move.engine}: {move.member} moves from {move.source} to {move.target}" for move in changes.moves]
    return lines + [f"  - {entry.cell}: {entry.host} goes" for entry in changes.goes]

"""Racks as they stand, unit by unit from the top, in text; ``elevation_svg`` draws the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from greenfield.model.site import Host, Rack
from greenfield.plan.plan import Plan
from greenfield.plan.survival import member_word
from greenfield.plan.words import listed

GAP = 3
"""So many empty units in a row are drawn as one band."""


@dataclass(frozen=True, slots=True)
class Row:
    """One drawn row of a rack: a host, or empty units. ``bottom`` and ``top`` are rack units, inclusive."""

    bottom: int
    top: int
    host: Host | None


def rows(plan: Plan, rack: Rack, standing: Mapping[str, list[Host]]) -> list[Row]:
    """Rows of a rack from the top down; runs of empty units are one row.

    Args:
        standing: rack name to all hosts of the site in it (``hosts_by_rack``).
    """
    found: list[Row] = []
    unit = 1
    for host in sorted(standing.get(rack.name, ()), key=lambda host: host.unit):
        found += _empty(unit, host.unit - 1)
        hardware = plan.site.hardware.get(host.hardware)
        top = host.unit + (hardware.units if hardware else 1) - 1
        found.append(Row(host.unit, top, host))
        unit = top + 1
    return list(reversed([*found, *_empty(unit, rack.units)]))


def _empty(bottom: int, top: int) -> list[Row]:
    if top - bottom + 1 >= GAP:
        return [Row(bottom, top, None)]
    return [Row(unit, unit, None) for unit in range(bottom, top + 1)]


def hosts_by_rack(plan: Plan) -> dict[str, list[Host]]:
    """All hosts of the site, by rack."""
    found: dict[str, list[Host]] = {}
    for host in plan.site.hosts.values():
        found.setdefault(host.rack, []).append(host)
    return found


def drawn_racks(plan: Plan) -> list[Rack]:
    """Racks that hold a host of the cluster, in spec order."""
    used = {host.host.rack for host in plan.hosts.values()}
    return [rack for name, rack in plan.site.racks.items() if name in used]


def elevation_text(plan: Plan) -> str:
    """Each rack that the cluster uses, unit by unit from the top."""
    standing = hosts_by_rack(plan)
    power = {entry.rack: entry for entry in plan.power}
    blocks = []
    for rack in drawn_racks(plan):
        draw = power[rack.name]
        head = (
            f"{rack.name}  row {rack.row}  {rack.units} units  "
            f"{draw.draw_watts} of {draw.available_watts} W with one feed lost  ToR {listed(rack.tor)}"
        )
        blocks.append("\n".join([head, *(_line(plan, row) for row in rows(plan, rack, standing))]))
    return "\n\n".join(blocks) + "\n"


def _line(plan: Plan, row: Row) -> str:
    units = f"{row.bottom}" if row.bottom == row.top else f"{row.bottom}-{row.top}"
    if row.host is None:
        return f"  {units:>5} | ·"
    planned = plan.hosts.get(row.host.name)
    if planned is None:
        return f"  {units:>5} | {row.host.name}  (not of this cluster)"
    held = listed(f"{member.engine}: {member_word(member.slot)}" for member in planned.members)
    return f"  {units:>5} | {row.host.name}  {planned.pool}  {held}".rstrip()

"""What the cluster draws in each rack, and what is left of the rack's feeds when the largest one is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from greenfield.model.site import Host, Site
from greenfield.plan.plan import RackPower


def draw_by_rack(site: Site, hosts: Iterable[Host]) -> dict[str, int]:
    """Watts that hosts draw in each rack at full load."""
    draw: Counter[str] = Counter()
    for host in hosts:
        hardware = site.hardware.get(host.hardware)
        if hardware is not None:
            draw[host.rack] += hardware.power_watts
    return dict(draw)


def rack_power(site: Site, hosts: Iterable[Host]) -> tuple[RackPower, ...]:
    """Power of each rack that holds one of the hosts, in spec order of the racks."""
    draw = draw_by_rack(site, hosts)
    return tuple(
        RackPower(name, draw[name], sum(rack.feed_watts.values()) - max(rack.feed_watts.values(), default=0))
        for name, rack in site.racks.items()
        if name in draw
    )

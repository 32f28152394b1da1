"""A site's parts among each other: networks and power."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

from greenfield.model.quantity import WATTS, render
from greenfield.model.site import Rack
from greenfield.spec.build_site import BuiltSite
from greenfield.spec.explain import hint


def check_site(built: BuiltSite) -> None:
    """Adds what is wrong with a site's networks and power to its draft's problems."""
    _networks(built)
    _access(built)
    _feeds(built)
    _power(built)


def _networks(built: BuiltSite) -> None:
    for first, second in combinations(built.site.networks.values(), 2):
        if first.cidr.overlaps(second.cidr):
            message = f"{second.cidr} overlaps network {first.name} ({first.cidr})"
            built.draft.add(("networks", second.name, "cidr"), message, "use another range", "overlapping-network")


def _access(built: BuiltSite) -> None:
    for index, raw in enumerate(built.draft.section("access").get("from", ())):
        if raw.endswith("/0"):
            message = f"{raw} lets every address log in and read metrics"
            fix = "name the networks of operators and monitoring"
            built.draft.add(("access", "from", index), message, fix, "open-access", severity="warning")


def _feeds(built: BuiltSite) -> None:
    draft, power = built.draft, built.site.power
    if not draft.usable("power") or not power.feeds:
        return
    for rack in built.site.racks.values():
        for feed in rack.feed_watts:
            if feed not in power.feeds:
                fix = hint(feed, power.feeds)
                draft.add(("racks", rack.name, "feeds", feed), f'the feed "{feed}" is not known', fix, "unknown-feed")
        if power.redundancy == "N+1" and len(rack.feed_watts) < 2:
            message = f"rack {rack.name} has one feed; redundancy N+1 needs two"
            fix = "add the other feed, or set power.redundancy: N"
            draft.add(("racks", rack.name, "feeds"), message, fix, "feed-redundancy")


def available_watts(rack: Rack, redundancy: str) -> int:
    """What a rack may draw: with ``N+1``, what is left when its largest feed is lost."""
    limits = rack.feed_watts.values()
    return sum(limits) - (max(limits, default=0) if redundancy == "N+1" else 0)


def _power(built: BuiltSite) -> None:
    """No rack draws more than its feeds give, with one lost where the site asks for it."""
    site = built.site
    draw: dict[str, int] = defaultdict(int)
    count: dict[str, int] = defaultdict(int)
    for listed in built.hosts:
        hardware = site.hardware.get(listed.host.hardware)
        draw[listed.host.rack] += hardware.power_watts if hardware else 0
        count[listed.host.rack] += 1
    for rack in site.racks.values():
        limit = available_watts(rack, site.power.redundancy)
        if site.power.redundancy == "N+1" and len(rack.feed_watts) < 2:
            continue
        if draw[rack.name] > limit:
            lost = " with its largest feed lost" if site.power.redundancy == "N+1" else ""
            message = (
                f"the hosts of rack {rack.name} ({count[rack.name]}) draw {render(draw[rack.name], WATTS)}; "
                f"{render(limit, WATTS)} is there{lost}"
            )
            built.draft.add(("racks", rack.name), message, "move hosts to another rack, or add power", "rack-power")

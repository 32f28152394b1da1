"""From the document of a site to its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenfield.model.quantity import BITRATE, BYTES, WATTS
from greenfield.model.site import Access, Disk, HardwareClass, Host, Mirror, Network, Power, Rack, Site
from greenfield.spec.build_hosts import Listed, hosts
from greenfield.spec.draft import Draft
from greenfield.spec.sources import Sources
from greenfield.spec.table import Table


@dataclass(frozen=True, slots=True)
class BuiltSite:
    """A site's model and what checks need beside it.

    Attributes:
        site: holds what could be read; complete only when ``draft.whole`` and no problem is an error.
        draft: the document it came from.
        hosts: every host, those with a name that clashes too.
        table: the CSV they came from, if they did.
    """

    site: Site
    draft: Draft
    hosts: list[Listed]
    table: Table | None


def build(draft: Draft, sources: Sources) -> BuiltSite:
    """The site in a document; what is wrong goes into the draft's problems."""
    listed = hosts(draft, sources)
    access, power = draft.section("access"), draft.section("power")
    admin = [draft.network(raw, ("access", "from", index)) for index, raw in enumerate(access.get("from", ()))]
    by_name: dict[str, Host] = {}
    for entry in listed:
        by_name.setdefault(entry.host.name, entry.host)
    site = Site(
        name=draft.name,
        domain=draft.text("domain"),
        networks=_networks(draft),
        power=Power(tuple(power.get("feeds", ())), power.get("redundancy", "N+1")),
        racks={name: _rack(draft, name, raw) for name, raw in draft.entities("racks")},
        hardware={name: _hardware(draft, name, raw) for name, raw in draft.entities("hardware")},
        hosts=by_name,
        access=Access(
            user=access.get("user", ""),
            known_hosts=draft.file(access.get("knownHosts", "known_hosts")),
            identity_file=draft.file(access.get("identityFile", "")),
            port=access.get("port", 22),
        ),
        mirror=Mirror(draft.section("mirror").get("url", "").rstrip("/")),
        time_servers=tuple(draft.section("time").get("servers", ())),
        admin_networks=tuple(network for network in admin if network is not None),
    )
    return BuiltSite(site, draft, listed, sources.tables.get(draft.name))


def _networks(draft: Draft) -> dict[str, Network]:
    found = {}
    for name, raw in draft.entities("networks"):
        cidr = draft.network(raw["cidr"], ("networks", name, "cidr"))
        if cidr is None:
            continue
        length = raw.get("perRack", 24)
        if length < cidr.prefixlen:
            message = f"a rack's subnet (/{length}) is larger than the network {cidr}"
            fix = f"perRack: {cidr.prefixlen} or more"
            draft.add(("networks", name, "perRack"), message, fix, "network")
            continue
        found[name] = Network(name, cidr, length, raw.get("mtu", 1500))
    return found


def _rack(draft: Draft, name: str, raw: Mapping[str, Any]) -> Rack:
    feeds = {
        feed: int(draft.quantity(limit, WATTS, ("racks", name, "feeds", feed))) for feed, limit in raw["feeds"].items()
    }
    return Rack(name, raw["row"], raw.get("units", 42), feeds, tuple(raw["tor"]))


def _hardware(draft: Draft, name: str, raw: Mapping[str, Any]) -> HardwareClass:
    at = ("hardware", name)
    disks = {
        disk: Disk(
            disk, int(draft.quantity(own["size"], BYTES, (*at, "disks", disk, "size"))), own["kind"], own["byId"]
        )
        for disk, own in raw["disks"].items()
    }
    return HardwareClass(
        name=name,
        cores=raw["cores"],
        memory_bytes=int(draft.quantity(raw["memory"], BYTES, (*at, "memory"))),
        disks=disks,
        nic_bits_per_second=int(draft.quantity(raw["nic"], BITRATE, (*at, "nic"))),
        power_watts=int(draft.quantity(raw["power"], WATTS, (*at, "power"))),
        units=raw.get("units", 1),
        price=float(raw.get("price", 0.0)),
    )

"""Hosts among each other: what must be unique, where they stand, and in which network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

from greenfield.model.problem import Problem
from greenfield.model.site import Host
from greenfield.spec.build_hosts import Listed
from greenfield.spec.build_site import BuiltSite
from greenfield.spec.explain import hint

_UNIQUE: tuple[tuple[str, Callable[[Host], str], str], ...] = (
    ("name", lambda host: host.name, "give one of them another name"),
    ("address", lambda host: host.address, "give one of them another address"),
    ("mac", lambda host: host.mac, "read it from the network card again"),
    ("serial", lambda host: host.serial, "read it from the machine's label again"),
)


def check_hosts(built: BuiltSite) -> None:
    """Adds what is wrong with a site's hosts to its draft's problems."""
    problems = built.draft.problems
    for field, value, fix in _UNIQUE:
        _unique(built, field, value, fix, problems)
    _references(built, problems)
    _units(built, problems)
    _networks(built, problems)


def _where(built: BuiltSite, listed: Listed) -> str:
    """The first holder of a value, for the message about the second: ``r1-h1 (hosts.csv:2)``."""
    found = built.draft.document.file.name, 0
    table = built.table
    if table is not None:
        found = table.file.name, table.position(listed.path[3], None)[0]
    return f"{listed.host.name} ({found[0]}:{found[1]})" if found[1] else listed.host.name


def _unique(built: BuiltSite, field: str, value: Callable[[Host], str], fix: str, problems: list[Problem]) -> None:
    first: dict[str, Listed] = {}
    for listed in built.hosts:
        own = value(listed.host)
        known = first.setdefault(own, listed)
        if known is not listed:
            what = "MAC address" if field == "mac" else field
            message = f"the {what} {own} is also used by {_where(built, known)}"
            problems.append(Problem((*listed.path, field), message, fix, f"duplicate-{field}"))


def _references(built: BuiltSite, problems: list[Problem]) -> None:
    racks, classes = built.draft.names("racks"), built.draft.names("hardware")
    known = {"rack": dict.fromkeys(racks), "hardware": dict.fromkeys(classes)}
    for listed in built.hosts:
        for field, word, names in (
            ("rack", listed.host.rack, known["rack"]),
            ("hardware", listed.host.hardware, known["hardware"]),
        ):
            if word not in names:
                what = "rack" if field == "rack" else "hardware class"
                fix = hint(word, tuple(names))
                # Placement would find hosts missing that are only written wrongly.
                built.draft.whole = False
                problems.append(
                    Problem((*listed.path, field), f'the {what} "{word}" is not known', fix, f"unknown-{field}")
                )


def _units(built: BuiltSite, problems: list[Problem]) -> None:
    """No two hosts in one rack unit, none above the top of its rack."""
    site = built.site
    taken: dict[tuple[str, int], Listed] = {}
    for listed in built.hosts:
        host = listed.host
        hardware, rack = site.hardware.get(host.hardware), site.racks.get(host.rack)
        height = hardware.units if hardware else 1
        top = host.unit + height - 1
        path = (*listed.path, "unit")
        if rack and top > rack.units:
            message = f"{host.name} would reach unit {top}; rack {rack.name} has {rack.units}"
            problems.append(Problem(path, message, f"put it at unit {rack.units - height + 1} or lower", "rack-height"))
        clash = None
        for unit in range(host.unit, top + 1):
            known = taken.setdefault((host.rack, unit), listed)
            if known is not listed and clash is None:
                clash = (unit, known)
        if clash is not None:
            message = f"unit {clash[0]} of rack {host.rack} is also taken by {_where(built, clash[1])}"
            problems.append(Problem(path, message, "move one of them", "duplicate-unit"))


def _networks(built: BuiltSite, problems: list[Problem]) -> None:
    """Every host in a network, all hosts of a rack in one subnet, no rack's subnet in another rack."""
    networks = list(built.site.networks.values())
    if not networks or len(networks) < len(built.draft.names("networks")):
        return
    ranges = [
        (int(net.cidr.network_address), int(net.cidr.broadcast_address), 32 - net.per_rack_prefix, net)
        for net in networks
    ]
    racks: dict[str, dict[tuple[int, int], list[Listed]]] = defaultdict(lambda: defaultdict(list))
    for listed in built.hosts:
        number = int(IPv4Address(listed.host.address))
        for low, high, bits, net in ranges:
            if low <= number <= high:
                if not 0 < number & (1 << bits) - 1 < (1 << bits) - 1:
                    problems.append(_reserved(listed, IPv4Network((number >> bits << bits, net.per_rack_prefix))))
                racks[listed.host.rack][(number >> bits << bits, net.per_rack_prefix)].append(listed)
                break
        else:
            known = ", ".join(f"{net.name} {net.cidr}" for net in networks)
            message = f"{listed.host.address} is in no network of the site"
            problems.append(Problem((*listed.path, "address"), message, f"use one of {known}", "outside-network"))
    _subnets(racks, set(built.draft.names("racks")), problems)


def _reserved(listed: Listed, subnet: IPv4Network) -> Problem:
    message = f"{listed.host.address} is the first or last address of {subnet}, which no host can have"
    fix = f"use one from {subnet[1]} to {subnet[-2]}"
    return Problem((*listed.path, "address"), message, fix, "reserved-address")


def _subnets(racks: dict[str, dict[tuple[int, int], list[Listed]]], known: set[str], problems: list[Problem]) -> None:
    owner: dict[tuple[int, int], str] = {}
    for rack, subnets in racks.items():
        if rack not in known:
            continue
        main = max(subnets, key=lambda subnet: len(subnets[subnet]))
        usual = IPv4Network(main)
        for subnet, hosts in subnets.items():
            for listed in hosts if subnet != main else ():
                message = f"{listed.host.address} is not in {usual}, where the other hosts of rack {rack} are"
                fix = f"give {listed.host.name} an address in {usual}"
                problems.append(Problem((*listed.path, "address"), message, fix, "rack-subnet"))
        other = owner.setdefault(main, rack)
        if other != rack:
            message = f"racks {other} and {rack} share the subnet {usual}; perRack gives each rack its own"
            path = (*subnets[main][0].path, "address")
            problems.append(Problem(path, message, "renumber one of them", "shared-subnet", "warning"))

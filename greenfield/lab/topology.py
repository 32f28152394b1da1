"""The lab's network as numbers: which subnet a rack has, who has which address. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from urllib.parse import urlsplit

from greenfield.errors import LabError
from greenfield.model.site import Network, Site


@dataclass(frozen=True, slots=True)
class RackNet:
    """A rack's subnet. ``gateway`` is its first address and belongs to the spine."""

    rack: str
    subnet: IPv4Network
    gateway: IPv4Address
    mtu: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topology:
    """Addresses of a lab.

    Attributes:
        core: first subnet of the site's network; workstation, services and spine meet there.
        workstation: the first address of ``core``.
        spine: the last usable address of ``core``; the router that joins the racks.
        services: host part of the mirror's URL.
        mirror_port: TCP port of the mirror's URL.
        ranges: all address ranges of the site; hosts have a route to these and to nothing else.
        racks: by name, those that hold hosts.
    """

    core: IPv4Network
    core_mtu: int
    workstation: IPv4Address
    spine: IPv4Address
    services: IPv4Address
    mirror_port: int
    ranges: tuple[IPv4Network, ...]
    racks: Mapping[str, RackNet]


def topology(site: Site) -> Topology:
    """Derive the lab's network from a site.

    Raises:
        LabError: the mirror is not an IPv4 address in the first subnet, or hosts of a rack lie in different subnets.
    """
    if taken := {"spine", "services", "delay", "kernel"} & set(site.hosts):
        raise LabError(
            f"site {site.name}: a host is called {taken.pop()}, a name the lab uses itself", fix="rename the host"
        )
    services, port = _mirror(site)
    network = _network_of(site, services, "the mirror")
    core = next(network.cidr.subnets(new_prefix=network.per_rack_prefix))
    if services not in core:
        raise LabError(
            f"site {site.name}: the mirror's address {services} is not in the first subnet {core} of {network.name}",
            fix=f"give mirror.url an address of {core}; the lab keeps it for workstation, mirror and time",
        )
    workstation, spine = core[1], core[-2]
    if services in (workstation, spine):
        raise LabError(
            f"site {site.name}: the mirror's address {services} belongs to the lab's workstation or spine",
            fix=f"use {core[2]} in mirror.url",
        )
    return Topology(
        core=core,
        core_mtu=network.mtu,
        workstation=workstation,
        spine=spine,
        services=services,
        mirror_port=port,
        ranges=tuple(n.cidr for n in site.networks.values()),
        racks={rack: net for rack in site.racks if (net := _rack_net(site, rack, core)) is not None},
    )


def _mirror(site: Site) -> tuple[IPv4Address, int]:
    parts = urlsplit(site.mirror.url)
    try:
        return IPv4Address(parts.hostname or ""), parts.port or 80
    except (AddressValueError, ValueError) as error:
        raise LabError(
            f"site {site.name}: mirror.url {site.mirror.url!r} does not name an IPv4 address",
            fix="the lab has no name service: write mirror.url like http://10.77.0.2:8080",
        ) from error


def _network_of(site: Site, address: IPv4Address, what: str) -> Network:
    for network in site.networks.values():
        if address in network.cidr:
            return network
    raise LabError(
        f"site {site.name}: {what} has address {address}, which is in none of the site's networks",
        fix="add the network to the site, or correct the address",
    )


def _rack_net(site: Site, rack: str, core: IPv4Network) -> RackNet | None:
    hosts = [host for host in site.hosts.values() if host.rack == rack]
    if not hosts:
        return None
    found: dict[IPv4Network, Network] = {}
    for host in hosts:
        address = IPv4Address(host.address)
        network = _network_of(site, address, f"host {host.name}")
        found[IPv4Network((address, network.per_rack_prefix), strict=False)] = network
    if len(found) > 1 or core in found:
        raise LabError(
            f"site {site.name}: hosts of rack {rack} lie in {', '.join(map(str, found))}",
            fix=f"give all hosts of a rack addresses of one subnet other than {core}",
        )
    subnet, network = next(iter(found.items()))
    return RackNet(rack, subnet, subnet[1], network.mtu, tuple(host.name for host in hosts))

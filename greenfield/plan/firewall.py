"""Which ports a host opens, and to whom."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, collapse_addresses, ip_address, ip_network
from typing import Any

from greenfield.engines import ENGINES
from greenfield.engines.descriptor import Port
from greenfield.model.site import Site
from greenfield.plan.ledger import NODE_EXPORTER_PORT
from greenfield.plan.plan import Plan

EXACT_PEERS = 64
"""Engines with more members let in the rack subnets of their members instead of single addresses, so that rule sets
and the state of large sites stay small."""


class Audiences:
    """Source networks of each audience in one plan, computed once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.admin = _sorted(plan.site.admin_networks)
        # Whole rack subnets: adding a host to a rack must not touch the firewall of every other host.
        racks = rack_subnets(plan.site, plan.hosts)
        self.clients = _sorted(collapse_addresses([*racks, *plan.site.admin_networks]))
        self._peers: dict[str, list[str]] = {}

    def peers(self, engine: str) -> list[str]:
        """Addresses of the hosts with a member of the engine (rack subnets above ``EXACT_PEERS``)."""
        if engine not in self._peers:
            hosts = [member.host for member in self.plan.members_of(engine)]
            if len(hosts) > EXACT_PEERS:
                self._peers[engine] = _sorted(collapse_addresses(rack_subnets(self.plan.site, hosts)))
            else:
                self._peers[engine] = _sorted(ip_network(self.plan.site.hosts[host].address) for host in hosts)
        return self._peers[engine]

    def sources(self, engine: str, port: Port) -> list[str]:
        """Networks that may connect to a member's port."""
        if port.audience == "peers":
            return self.peers(engine)
        if port.audience == "nodes":
            family = {source for other in self.plan.family_of(engine) for source in self.peers(other)}
            return [*sorted(family, key=ip_network), *self.inner(engine)]
        if port.audience == "nodes-and-clients":
            return [*self.clients, *self.inner(engine)]
        return self.clients if port.audience == "clients" else self.admin

    def inner(self, engine: str) -> list[str]:
        """Networks that an engine's family makes inside the cluster, from which its own pods come."""
        engines = self.plan.cluster.engines
        return [
            network
            for other in self.plan.family_of(engine)
            for network in ENGINES[engines[other].kind].inner_networks(engines[other])
        ]


def ports(plan: Plan, host: str, audiences: Audiences) -> list[dict[str, Any]]:
    """``baseline_ports`` of a host: {port, purpose, sources}, by port number; everything else stays closed."""
    opened = [
        {"port": plan.site.access.port, "purpose": "ssh", "sources": audiences.admin},
        {"port": NODE_EXPORTER_PORT, "purpose": "node exporter", "sources": audiences.admin},
    ]
    opened += [
        {
            "port": port.number,
            "purpose": f"{member.engine} {port.purpose}",
            "sources": audiences.sources(member.engine, port),
            **({"protocol": port.protocol} if port.protocol != "tcp" else {}),
        }
        for member in plan.hosts[host].members
        for port in member.slot.ports
    ]
    return sorted(opened, key=lambda entry: (entry["port"], entry["purpose"]))


def rack_subnets(site: Site, hosts: Iterable[str]) -> list[IPv4Network]:
    """Subnets of the racks that hosts stand in; a host outside every network of the site counts as itself."""
    found = {_subnet(site.hosts[host].address, tuple(site.networks.values())) for host in hosts}
    return sorted(found)


@lru_cache(maxsize=65536)
def _subnet(address: str, networks: tuple[Any, ...]) -> IPv4Network:
    where = ip_address(address)
    for network in networks:
        if where in network.cidr:
            subnet = ip_network(f"{address}/{network.per_rack_prefix}", strict=False)
            assert isinstance(subnet, IPv4Network)
            return subnet
    single = ip_network(address)
    assert isinstance(single, IPv4Network)
    return single


def _sorted(networks: Iterable[Any]) -> list[str]:
    return [str(network) for network in sorted(networks)]

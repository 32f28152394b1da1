"""The lab's network: a spine that routes, a bridge per rack behind it, and one link to the workstation.

All of it but the workstation's end of its link lives in namespaces, so the machine's own forwarding and firewall play
no part. No namespace has a default route: what is not in the site's ranges is unreachable.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from greenfield.errors import LabError
from greenfield.lab.names import Names, interface
from greenfield.lab.namespace import Namespace
from greenfield.lab.topology import RackNet, Topology
from greenfield.model.site import Host

MACHINE = Namespace("")


@dataclass(frozen=True, slots=True)
class Fabric:
    """Makes, mends and removes the network of one lab."""

    names: Names
    topology: Topology

    @property
    def spine(self) -> Namespace:
        """Namespace of the router and of the racks' bridges."""
        return Namespace(self.names.namespace("spine"))

    @property
    def services(self) -> Namespace:
        """Namespace of mirror and time server."""
        return Namespace(self.names.namespace("services"))

    def host(self, name: str) -> Namespace:
        """Namespace of a host."""
        return Namespace(self.names.namespace(name))

    @staticmethod
    def port(host: str) -> str:
        """The rack's end of a host's link, in the spine."""
        return interface(f"p-{host}")

    @staticmethod
    def bridge(rack: str) -> str:
        """The rack's bridge, in the spine."""
        return interface(f"br-{rack}")

    @staticmethod
    def uplink(rack: str) -> str:
        """The rack's link towards the router; its router end carries the gateway's address."""
        return interface(f"up-{rack}")

    def check_free(self) -> None:
        """Refuse ranges that the machine already routes elsewhere, such as another lab of the same range."""
        for route in json.loads(MACHINE.ip("-json", "route") or "[]"):
            device, target = route.get("dev", ""), route.get("dst", "default")
            if device == self.names.uplink or target == "default":
                continue
            for wanted in self.topology.ranges:
                if IPv4Network(target).overlaps(wanted):
                    raise LabError(
                        f"{wanted} of site {self.names.site} overlaps the route to {target} over {device}",
                        fix="bring the other lab down, or give this site another range",
                    )

    def ensure_core(self) -> None:
        """Spine, services and the workstation's link."""
        spine, services, top = self.spine, self.services, self.topology
        spine.ensure()
        services.ensure()
        spine.sysctl("net.ipv4.ip_forward", "1")
        # Bridges are interfaces of the spine too: asked for a gateway, one without an address would answer for it with
        # its own MAC, and what is sent there goes past a delay line.
        spine.sysctl("net.ipv4.conf.all.arp_ignore", "1")
        self._ensure_bridge("core", top.core_mtu)
        self._address(spine, "core", top.spine, top.core)
        self._ensure_pair(spine, "core-ws", MACHINE, self.names.uplink, top.core_mtu, bridge="core")
        self._ensure_pair(spine, "core-services", services, "eth0", top.core_mtu, bridge="core")
        for place, link, address in (
            (MACHINE, self.names.uplink, top.workstation),
            (services, "eth0", top.services),
        ):
            self._address(place, link, address, top.core)
            for wanted in top.ranges:
                place.ip("route", "replace", str(wanted), "via", str(top.spine), "dev", link)

    def ensure_rack(self, net: RackNet) -> None:
        """A rack's bridge and its link to the router, up."""
        bridge, up = self.bridge(net.rack), self.uplink(net.rack)
        self._ensure_bridge(bridge, net.mtu)
        self._ensure_pair(self.spine, interface(f"tor-{net.rack}"), self.spine, up, net.mtu, bridge=bridge)
        self._address(self.spine, up, net.gateway, net.subnet)

    def ensure_host(self, host: Host) -> None:
        """A host's namespace and its link to the rack, with the host's own MAC and address, up."""
        net, place = self.topology.racks[host.rack], self.host(host.name)
        place.ensure()
        port = self.port(host.name)
        self._ensure_pair(self.spine, port, place, "eth0", net.mtu, bridge=self.bridge(host.rack), mac=host.mac)
        self._address(place, "eth0", IPv4Address(host.address), net.subnet)
        for wanted in self.topology.ranges:
            place.ip("route", "replace", str(wanted), "via", str(net.gateway), "dev", "eth0")

    def cut(self, link: str) -> None:
        """Take a link of the spine down, as if its cable were pulled."""
        self.spine.ip("link", "set", link, "down")

    def mend(self, link: str) -> None:
        """Bring a link of the spine up again."""
        if self.spine.has_link(link):
            self.spine.ip("link", "set", link, "up")

    def remove(self, namespaces: list[str]) -> None:
        """Remove the workstation's link and the named namespaces with all that is in them."""
        MACHINE.delete_link(self.names.uplink)
        for name in namespaces:
            Namespace(name).remove()

    def _ensure_bridge(self, name: str, mtu: int) -> None:
        if not self.spine.has_link(name):
            self.spine.ip("link", "add", name, "type", "bridge", "forward_delay", "0")
        self.spine.ip("link", "set", name, "mtu", str(mtu), "up")

    def _ensure_pair(
        self, near: Namespace, near_link: str, far: Namespace, far_link: str, mtu: int, *, bridge: str, mac: str = ""
    ) -> None:
        """A link from a bridge in ``near`` to ``far``, both ends up; a half-made one is made anew."""
        if not (near.has_link(near_link) and far.has_link(far_link)):
            near.delete_link(near_link)
            far.delete_link(far_link)
            peer = ["peer", "name", far_link]
            if far != near:
                # The far end is born in its namespace: in the near one its name could be taken.
                peer += ["netns", far.name or str(os.getpid())]
            near.ip("link", "add", near_link, "mtu", str(mtu), "type", "veth", *peer)
        if mac:
            far.ip("link", "set", far_link, "address", mac)
        near.ip("link", "set", near_link, "master", bridge, "up")
        far.ip("link", "set", far_link, "mtu", str(mtu), "up")

    @staticmethod
    def _address(place: Namespace, link: str, address: IPv4Address, subnet: IPv4Network) -> None:
        place.ip("address", "replace", f"{address}/{subnet.prefixlen}", "dev", link)

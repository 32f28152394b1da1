"""A site in plain Python, for tests of what the lab computes."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

from greenfield.model.site import Access, Disk, HardwareClass, Host, Mirror, Network, Power, Rack, Site

HARDWARE = HardwareClass("small", 2, 2 << 30, {"data": Disk("data", 4 << 30, "ssd", "{serial}")}, 10**10, 180, 1)


def host(name: str, rack: str, address: str) -> Host:
    return Host(name, rack, 1, "small", f"S-{name}", address, "02:00:00:00:00:01")


def site(hosts: Mapping[str, Host], mirror: str = "http://10.77.0.2:8080") -> Site:
    return Site(
        name="lab",
        domain="lab.internal",
        networks={"hosts": Network("hosts", IPv4Network("10.77.0.0/16"), 24, 9000)},
        power=Power(("A",), "N"),
        racks={name: Rack(name, "A", 42, {}, ()) for name in ("r1", "r2", "empty")},
        hardware={"small": HARDWARE},
        hosts=hosts,
        access=Access("ops", "/tmp/known_hosts", "/tmp/id"),
        mirror=Mirror(mirror),
        time_servers=(),
        admin_networks=(),
    )


TWO = {"a": host("a", "r1", "10.77.1.11"), "b": host("b", "r2", "10.77.9.3")}

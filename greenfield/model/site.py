"""A site (IDC): networks, racks, power, hardware classes and hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Literal

NO_LABELS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Disk:
    """A data disk of a hardware class.

    Attributes:
        name: key in the class, e.g. ``data``; it is mounted at ``/data`` for ``data``, else ``/data/<name>``.
        size_bytes: usable size.
        kind: the medium.
        by_id: name under ``/dev/disk/by-id``, a pattern with ``{serial}`` and ``{host}``; the stable identity.
    """

    name: str
    size_bytes: int
    kind: Literal["ssd", "nvme", "hdd"]
    by_id: str


@dataclass(frozen=True, slots=True)
class HardwareClass:
    """What hosts of one kind have. ``power_watts`` is the draw at full load; ``units`` is the height in rack units."""

    name: str
    cores: int
    memory_bytes: int
    disks: Mapping[str, Disk]
    nic_bits_per_second: int
    power_watts: int
    units: int
    price: float = 0.0


@dataclass(frozen=True, slots=True)
class Network:
    """An address range; each rack gets a subnet of ``per_rack_prefix`` bits out of ``cidr``."""

    name: str
    cidr: IPv4Network
    per_rack_prefix: int
    mtu: int


@dataclass(frozen=True, slots=True)
class Rack:
    """A rack. ``feed_watts`` maps a feed's name to what that feed can give this rack."""

    name: str
    row: str
    units: int
    feed_watts: Mapping[str, int]
    tor: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """Feeds of the site. With ``N+1`` every rack must run with any one feed lost; with ``N`` it need not."""

    feeds: tuple[str, ...]
    redundancy: Literal["N", "N+1"]


@dataclass(frozen=True, slots=True)
class Host:
    """One machine, as the DCIM knows it. ``unit`` is its lowest rack unit, counted from 1 at the bottom."""

    name: str
    rack: str
    unit: int
    hardware: str
    serial: str
    address: str
    mac: str
    asset: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)


@dataclass(frozen=True, slots=True)
class Access:
    """How the workstation reaches hosts. Paths are absolute (resolved against the spec's folder)."""

    user: str
    known_hosts: str
    identity_file: str = ""
    port: int = 22


@dataclass(frozen=True, slots=True)
class Mirror:
    """The site mirror, the only place hosts get software from. ``url`` has no trailing slash."""

    url: str


@dataclass(frozen=True, slots=True)
class Site:
    """A whole site. Mappings are keyed by name; ``hosts`` too, in spec order.

    Attributes:
        time_servers: NTP servers that hosts follow.
        admin_networks: where operators, the workstation and monitoring come from (SSH and metrics).
    """

    name: str
    domain: str
    networks: Mapping[str, Network]
    power: Power
    racks: Mapping[str, Rack]
    hardware: Mapping[str, HardwareClass]
    hosts: Mapping[str, Host]
    access: Access
    mirror: Mirror
    time_servers: tuple[str, ...]
    admin_networks: tuple[IPv4Network, ...]

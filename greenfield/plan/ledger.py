"""What is used of each host by the members on it: memory, disks, ports, directories, kernel settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from greenfield.engines import ENGINES
from greenfield.engines.descriptor import HostSettings, Slot
from greenfield.model.cluster import Cluster, EngineSpec
from greenfield.model.site import HardwareClass, Site

MIN_RESERVE_BYTES = 256 * 2**20
RESERVE_RATIO = 0.05

NODE_EXPORTER_PORT = 9100


def reserve_bytes(memory_bytes: int) -> int:
    """Memory that stays with the operating system.

    systemd, sshd, the exporter and the page cache of logs need about 256 MiB whatever the size of the host; page
    tables, network buffers and slab grow with it, for which 5 % is the common allowance.
    """
    return max(MIN_RESERVE_BYTES, int(memory_bytes * RESERVE_RATIO))


@dataclass(slots=True)
class Usage:
    """What members take of one host at their limits."""

    hardware: HardwareClass
    memory_bytes: int
    disk_bytes: dict[str, int]
    engines: list[str]

    @property
    def load(self) -> float:
        """The fuller of memory and the fullest disk, 0 to 1 (more when overcommitted)."""
        disks = self.hardware.disks
        shares = [self.memory_bytes / self.hardware.memory_bytes]
        shares += [used / disks[name].size_bytes for name, used in self.disk_bytes.items() if name in disks]
        return max(shares)

    def fits(self, slot: Slot) -> bool:
        """Whether memory (less the reserve) and the slot's disk have room for it."""
        memory = self.hardware.memory_bytes
        if self.memory_bytes + slot.memory_bytes > memory - reserve_bytes(memory):
            return False
        disk = self.hardware.disks.get(slot.disk)
        return disk is not None and self.disk_bytes.get(slot.disk, 0) + slot.disk_bytes <= disk.size_bytes

    def add(self, engine: str, slot: Slot) -> None:
        """Enter a member."""
        self.memory_bytes += slot.memory_bytes
        self.disk_bytes[slot.disk] = self.disk_bytes.get(slot.disk, 0) + slot.disk_bytes
        self.engines.append(engine)


class Ledger:
    """Usage of every host of the cluster's pools, and which engines can't share a host."""

    def __init__(self, site: Site, cluster: Cluster, slots: Mapping[str, Sequence[Slot]]) -> None:
        self.site = site
        self.slots = slots
        self.usage: dict[str, Usage] = {}
        self.settings: dict[str, HostSettings] = {
            name: ENGINES[engine.kind].host_settings(engine) for name, engine in cluster.engines.items()
        }
        self._foes: dict[frozenset[str], bool] = {}

    def of(self, host: str) -> Usage:
        """Usage of a host."""
        found = self.usage.get(host)
        if found is None:
            found = Usage(self.site.hardware[self.site.hosts[host].hardware], 0, {}, [])
            self.usage[host] = found
        return found

    def welcomes(self, host: str, engine: EngineSpec) -> bool:
        """Whether no engine on the host contradicts the engine (ports, directories, kernel settings)."""
        return not any(self._clash(engine.name, other) for other in self.of(host).engines)

    def _clash(self, one: str, other: str) -> bool:
        pair = frozenset((one, other))
        if pair not in self._foes:
            self._foes[pair] = bool(
                shared_ports(self.slots[one], self.slots[other])
                or shared_directories(self.slots[one], self.slots[other])
                or contradictions(self.settings[one], self.settings[other])
            )
        return self._foes[pair]


def shared_ports(one: Sequence[Slot], other: Sequence[Slot]) -> list[int]:
    """Port numbers that both engines listen on."""
    ports = [{(port.number, port.protocol) for slot in slots for port in slot.ports} for slots in (one, other)]
    return sorted({number for number, _ in ports[0] & ports[1]})


def shared_directories(one: Sequence[Slot], other: Sequence[Slot]) -> list[str]:
    """Directories of one engine that are, contain or lie in a directory of the other."""
    mine = {path.rstrip("/") for slot in one for path in slot.directories}
    theirs = {path.rstrip("/") for slot in other for path in slot.directories}
    return sorted(
        path
        for path in mine
        if any(path == their or path.startswith(their + "/") or their.startswith(path + "/") for their in theirs)
    )


def contradictions(one: HostSettings, other: HostSettings) -> list[tuple[str, str, str]]:
    """Settings both engines need with different values: (setting, value of one, value of the other)."""
    found = [
        (key, value, other.sysctls[key])
        for key, value in sorted(one.sysctls.items())
        if other.sysctls.get(key, value) != value
    ]
    pages = (one.transparent_hugepage, other.transparent_hugepage)
    if pages[0] and pages[1] and pages[0] != pages[1]:
        found.append(("transparent_hugepage", pages[0], pages[1]))
    return found

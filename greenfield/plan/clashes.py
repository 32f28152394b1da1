"""Engines that can't share a host, and hosts that are asked for more than they have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

from greenfield.model.problem import Problem
from greenfield.model.site import HardwareClass
from greenfield.plan.ledger import (
    NODE_EXPORTER_PORT,
    Ledger,
    contradictions,
    reserve_bytes,
    shared_directories,
    shared_ports,
)
from greenfield.plan.plan import Plan
from greenfield.plan.words import listed, size, some


def clashes(plan: Plan, ledger: Ledger) -> list[Problem]:
    """Every clash, once for each set of engines with the hosts it stands on."""
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, host in plan.hosts.items():
        together[tuple(member.engine for member in host.members)].append(name)
    pairs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for engines, hosts in together.items():
        for pair in combinations(engines, 2):
            pairs[pair] += hosts
    problems: list[Problem] = []
    for (one, other), hosts in pairs.items():
        problems += _pair(plan, ledger, one, other, hosts)
    for engine in plan.cluster.engines:
        problems += _reserved_ports(plan, ledger, engine)
    return problems + _overcommitted(plan, ledger)


def _pair(plan: Plan, ledger: Ledger, one: str, other: str, hosts: Sequence[str]) -> list[Problem]:
    path = ("Cluster", plan.cluster.name, "spec", "engines", other)
    where = some(hosts, 3)
    apart = f"put {other} on another pool, or make pool {plan.cluster.engines[other].pool} large enough for both apart"
    found: list[Problem] = []
    ports = shared_ports(ledger.slots[one], ledger.slots[other])
    if ports:
        numbers = listed(str(port) for port in ports)
        found.append(Problem(path, f"{one} and {other} both listen on port {numbers} of {where}", apart, "port-clash"))
    directories = shared_directories(ledger.slots[one], ledger.slots[other])
    if directories:
        found.append(
            Problem(path, f"{one} and {other} both own {listed(directories)} on {where}", apart, "directory-clash")
        )
    settings = contradictions(ledger.settings[one], ledger.settings[other])
    if settings:
        needs = "; ".join(f"{key}: {one} needs {mine}, {other} needs {theirs}" for key, mine, theirs in settings)
        found.append(
            Problem(path, f"{one} and {other} contradict each other on {where}: {needs}", apart, "settings-clash")
        )
    return found


def _reserved_ports(plan: Plan, ledger: Ledger, engine: str) -> list[Problem]:
    reserved = {plan.site.access.port: "sshd", NODE_EXPORTER_PORT: "the node exporter"}
    ports = {port.number for slot in ledger.slots[engine] for port in slot.ports}
    return [
        Problem(
            ("Cluster", plan.cluster.name, "spec", "engines", engine),
            f"{engine} and {owner} both listen on port {port} of every host of {engine}",
            "give the engine another port",
            "port-clash",
        )
        for port, owner in reserved.items()
        if port in ports
    ]


def _overcommitted(plan: Plan, ledger: Ledger) -> list[Problem]:
    """Hosts over their memory or a disk, told once for each set of engines."""
    memory: dict[tuple[str, ...], list[str]] = defaultdict(list)
    disks: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for name, host in plan.hosts.items():
        usage = ledger.of(name)
        total = usage.hardware.memory_bytes
        engines = tuple(member.engine for member in host.members)
        if usage.memory_bytes > total - reserve_bytes(total):
            memory[engines].append(name)
        for disk, used in usage.disk_bytes.items():
            if disk not in usage.hardware.disks or used > usage.hardware.disks[disk].size_bytes:
                disks[disk, tuple(m.engine for m in host.members if m.slot.disk == disk)].append(name)
    found = [_memory(plan, ledger, engines, hosts) for engines, hosts in memory.items()]
    return found + [_disk(plan, ledger, disk, engines, hosts) for (disk, engines), hosts in disks.items()]


def _memory(plan: Plan, ledger: Ledger, engines: Sequence[str], hosts: Sequence[str]) -> Problem:
    first = hosts[0]
    usage = ledger.of(first)
    total = usage.hardware.memory_bytes
    wanted = _wanted({member.engine: member.slot.memory_bytes for member in plan.hosts[first].members})
    return Problem(
        ("Cluster", plan.cluster.name, "spec", "engines", engines[-1]),
        f"memory of {some(hosts, 3)}: {wanted}; of {size(total)}, {size(total - reserve_bytes(total))} is for engines "
        f"and {size(reserve_bytes(total))} stays with the operating system (the greater of 256 MiB and 5 %)",
        _room(plan, engines[-1], usage.hardware, len(engines) > 1),
        "memory-overcommitted",
    )


def _disk(plan: Plan, ledger: Ledger, disk: str, engines: Sequence[str], hosts: Sequence[str]) -> Problem:
    usage = ledger.of(hosts[0])
    path = ("Cluster", plan.cluster.name, "spec", "engines", engines[-1])
    hardware = usage.hardware
    if disk not in hardware.disks:
        return Problem(
            path,
            f'{engines[-1]} wants a disk "{disk}"; class {hardware.name} of {some(hosts, 3)} has '
            f"{listed(hardware.disks) or 'none'}",
            f"add disk {disk} to hardware class {hardware.name}, or use another pool",
            "disk-missing",
        )
    wanted = _wanted({m.engine: m.slot.disk_bytes for m in plan.hosts[hosts[0]].members if m.slot.disk == disk})
    return Problem(
        path,
        f'disk "{disk}" of {some(hosts, 3)}: {wanted}; it has {size(hardware.disks[disk].size_bytes)}',
        _room(plan, engines[-1], hardware, len(engines) > 1),
        "disk-overcommitted",
    )


def _wanted(shares: Mapping[str, int]) -> str:
    """E.g. ``kv needs 640 MiB, cache 1.17 GiB, together 1.8 GiB``."""
    (first, share), *others = shares.items()
    words = [f"{first} needs {size(share)}", *(f"{engine} {size(each)}" for engine, each in others)]
    return listed([*words, f"together {size(sum(shares.values()))}"] if others else words)


def _room(plan: Plan, engine: str, hardware: HardwareClass, shared: bool) -> str:
    pool = plan.cluster.engines[engine].pool
    apart = f"more hosts in pool {pool}, " if shared else ""
    return f"{apart}a larger hardware class than {hardware.name}, or lower limits of {engine}"

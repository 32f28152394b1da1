"""What the programs of a cluster take on its hosts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.api import Api
from bench.process import BenchError
from bench.table import MEBIBYTE, Row
from greenfield.errors import LabError
from greenfield.lab.lab import Lab

PROGRAMS = ("kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler")
NAME_LIMIT = 15
"""The kernel keeps that much of a program's name."""

PROCESSES = "ps S -eo rss=,cputimes=,comm="
"""With the time of children that have ended: agents of a node run ``iptables`` again and again."""

BUSIEST = 6
STORE = re.compile(r"^apiserver_storage_size_bytes(?:{.*})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Footprint:
    """What was found at one moment.

    Attributes:
        memory: of each program of the control plane its resident memory on each member, bytes.
        store: of each member the size of its etcd's file, bytes.
        spent: of each program the processor seconds on all hosts, with what it ran.
    """

    memory: Mapping[str, Sequence[int]]
    store: Sequence[int]
    spent: Mapping[str, int]


def look(lab: Lab, hosts: Sequence[str], members: Sequence[str], servers: Sequence[Api]) -> Footprint:
    """Look at every host; ``members`` are those of the control plane.

    Raises:
        BenchError: a host does not answer, or one of the programs does not run on a member.
    """
    try:
        listed = {host: lab.run(host, PROCESSES, timeout_seconds=60).stdout for host in hosts}
    except LabError as error:
        raise BenchError(error.message) from error
    found = [resident(listed[host]) for host in members]
    for host, programs in zip(members, found, strict=True):
        if missing := [name for name in PROGRAMS if name not in programs]:
            raise BenchError(f"{', '.join(missing)} does not run on {host}")
    sizes = [store_bytes(server.text("/metrics")) for server in servers]
    memory = {name: [programs[name] for programs in found] for name in PROGRAMS}
    return Footprint(memory, sizes, processor_seconds("".join(listed.values())))


def resident(processes: str) -> dict[str, int]:
    """Bytes of the control plane's programs, from what ``PROCESSES`` prints."""
    found: dict[str, int] = {}
    for line in processes.splitlines():
        size, _, command = line.split(maxsplit=2)
        for name in PROGRAMS:
            if command == name[:NAME_LIMIT]:
                found[name] = found.get(name, 0) + int(size) * 1024
    return found


def processor_seconds(processes: str) -> dict[str, int]:
    """Processor time of all programs, with that of children that have ended, from what ``PROCESSES`` prints."""
    found: dict[str, int] = {}
    for line in processes.splitlines():
        _, spent, command = line.split(maxsplit=2)
        found[command] = found.get(command, 0) + int(spent)
    return found


def store_bytes(metrics: str) -> int:
    """Size of the database file of the etcd that an API server uses, from its metrics."""
    return int(sum(float(size) for size in STORE.findall(metrics)))


def rows(empty: Footprint, full: Footprint, about: str) -> list[Row]:
    """Empty beside full."""
    found = [
        Row(f"memory of {name}, {about}: empty → full", f"{_sizes(empty.memory[name])} → {_sizes(full.memory[name])}")
        for name in PROGRAMS
    ]
    found.append(Row(f"etcd's database, {about}: empty → full", f"{_sizes(empty.store)} → {_sizes(full.store)}"))
    return [
        *found,
        Row("processor time of the hosts from empty to full, by program with what it runs", spent(empty, full)),
    ]


def spent(empty: Footprint, full: Footprint) -> str:
    """Who had the processors meanwhile: shares of what all programs of the hosts had, largest first."""
    each = {name: seconds - empty.spent.get(name, 0) for name, seconds in full.spent.items()}
    each = {name: seconds for name, seconds in each.items() if seconds > 0}
    total = sum(each.values())
    busiest = sorted(each, key=lambda name: -each[name])[:BUSIEST]
    return (
        "; ".join(f"{name} {each[name] / total:.0%}" for name in busiest) + f"; of {total / 60:.0f} min"
        if total
        else ""
    )


def _sizes(values: Sequence[int]) -> str:
    return f"{', '.join(f'{value / MEBIBYTE:.0f}' for value in values)} MiB"

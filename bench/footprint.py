"""What the programs of a cluster take on its hosts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.api import Api
from bench.process import BenchError
from bench.table import MEBIBYTE, Row
from greenfield.errors import LabError
from greenfield.lab.lab import Lab

PROGRAMS = ("kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler")
NAME_LIMIT = 15
"""The kernel keeps that much of a program's name."""

PROCESSES = "cat /proc/[0-9]*/stat 2>/dev/null"
"""proc_pid_stat(5): ps of Debian 12 does not add the time of children that have ended, of which agents of a node have
many (``iptables``)."""

USER, SYSTEM, USER_CHILDREN, SYSTEM_CHILDREN, RESIDENT = 14, 15, 16, 17, 24
"""Fields of a line of it, counted from 1."""

TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
"""Of the kernel, which is that of the hosts too."""

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
    spent: Mapping[str, float]


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
    for command, fields in _each(processes):
        for name in PROGRAMS:
            if command == name[:NAME_LIMIT]:
                found[name] = found.get(name, 0) + fields[RESIDENT] * PAGE
    return found


def processor_seconds(processes: str) -> dict[str, float]:
    """Processor time of all programs, with that of children that have ended, from what ``PROCESSES`` prints."""
    found: dict[str, float] = {}
    for command, fields in _each(processes):
        spent = sum(fields[each] for each in (USER, SYSTEM, USER_CHILDREN, SYSTEM_CHILDREN))
        found[command] = found.get(command, 0) + spent / TICKS
    return found


def _each(processes: str) -> Iterator[tuple[str, dict[int, int]]]:
    """Name and fields of each process; names hold whatever they like, also brackets."""
    for line in processes.splitlines():
        head, _, rest = line.rpartition(") ")
        _, _, command = head.partition("(")
        # The third is a letter, and the first after the name.
        yield command, {number: int(text) for number, text in enumerate(rest.split()[1:], 4)}


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
    shares = [f"{name} {each[name] / total:.0%}" for name in busiest]
    return "; ".join([*shares, f"of {total / 60:.0f} min"]) if shares else ""


def _sizes(values: Sequence[int]) -> str:
    return f"{', '.join(f'{value / MEBIBYTE:.0f}' for value in values)} MiB"

"""What the programs of a control plane take on its hosts."""

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

PROCESSES = "ps -eo rss=,comm="
STORE = re.compile(r"^apiserver_storage_size_bytes(?:{.*})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Of each program its resident memory on each member, and of each member the size of its etcd's file; bytes."""

    memory: Mapping[str, Sequence[int]]
    store: Sequence[int]


def look(lab: Lab, members: Sequence[str], servers: Sequence[Api]) -> Footprint:
    """Look at every member.

    Raises:
        BenchError: a host does not answer, or one of the programs does not run on it.
    """
    try:
        listed = [lab.run(host, PROCESSES, timeout_seconds=60).stdout for host in members]
    except LabError as error:
        raise BenchError(error.message) from error
    found = [resident(text) for text in listed]
    for host, programs in zip(members, found, strict=True):
        if missing := [name for name in PROGRAMS if name not in programs]:
            raise BenchError(f"{', '.join(missing)} does not run on {host}")
    sizes = [store_bytes(server.text("/metrics")) for server in servers]
    return Footprint({name: [programs[name] for programs in found] for name in PROGRAMS}, sizes)


def resident(processes: str) -> dict[str, int]:
    """Bytes of the control plane's programs, from what ``PROCESSES`` prints."""
    found: dict[str, int] = {}
    for line in processes.splitlines():
        size, _, command = line.strip().partition(" ")
        for name in PROGRAMS:
            if command.strip() == name[:NAME_LIMIT]:
                found[name] = found.get(name, 0) + int(size) * 1024
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
    return [*found, Row(f"etcd's database, {about}: empty → full", f"{_sizes(empty.store)} → {_sizes(full.store)}")]


def _sizes(values: Sequence[int]) -> str:
    return f"{', '.join(f'{value / MEBIBYTE:.0f}' for value in values)} MiB"

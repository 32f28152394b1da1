"""What a run needs of the machine: looked at before it begins, and watched, so that a shortage is told by its name."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from bench.room import free, limit
from prove import REPO

GIB = 2**30
DISK_GIB = 12.0
"""Mirrors, hosts' disks and logs of one seat after the other; builds of tools that are not there yet come on top."""

FULL_SHARE = 0.06
"""A kubelet of the lab calls a disk full whose last 5 % begin; all of them see the machine's own."""

LOW_MEMORY_GIB = 0.5
PERIOD_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Room:
    """What is free: GiB of disk where the lab and this checkout lie, GiB of memory, inotify instances."""

    disk_gib: float
    disk_share: float
    memory_gib: float
    inotify: int


def now(*, count_inotify: bool = True) -> Room:
    """The room of this moment."""
    places = [place for place in (REPO, Path("/var/lib"), Path.home()) if place.exists()]
    usages = [shutil.disk_usage(place) for place in places]
    least = min(usages, key=lambda usage: usage.free)
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    available = int(memory["MemAvailable"].split()[0]) * 1024
    share = least.free / (least.used + least.free)
    return Room(least.free / GIB, share, available / GIB, free() if count_inotify else 0)


def missing(room: Room, *, memory_gib: float, inotify: int, disk_gib: float = DISK_GIB) -> list[str]:
    """What there is too little of, in words; empty when a run can begin."""
    found = []
    if room.disk_gib < disk_gib or room.disk_share < FULL_SHARE:
        found.append(
            f"disk: {room.disk_gib:.0f} GiB ({room.disk_share:.0%}) are free, and {disk_gib:.0f} GiB and"
            f" {FULL_SHARE:.0%} are needed; Go's caches can go: go clean -cache -modcache"
        )
    if room.memory_gib < memory_gib:
        found.append(f"memory: {room.memory_gib:.1f} GiB are available, and {memory_gib:.0f} GiB are needed")
    if room.inotify < inotify:
        found.append(
            f"inotify: {room.inotify} of {limit()} instances are left, and {inotify} are needed; another lab may be up"
            " (greenfield lab down)"
        )
    return found


class Watch:
    """Looks at the room while a run goes on, and knows afterwards what ran short."""

    def __init__(self) -> None:
        self._least = now(count_inotify=False)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._done.wait(PERIOD_SECONDS):
            seen, least = now(count_inotify=False), self._least
            self._least = Room(
                min(seen.disk_gib, least.disk_gib),
                min(seen.disk_share, least.disk_share),
                min(seen.memory_gib, least.memory_gib),
                0,
            )

    def stop(self) -> None:
        """Look no more."""
        self._done.set()
        self._thread.join()

    def shortage(self) -> str:
        """What ran short meanwhile, in words; empty when nothing did. Failures beside it may have this one cause."""
        least = self._least
        if least.disk_share < FULL_SHARE:
            return (
                f"the machine's disk was full meanwhile ({least.disk_gib:.1f} GiB, {least.disk_share:.1%} free at the"
                " least): what failed may have failed for that"
            )
        if least.memory_gib < LOW_MEMORY_GIB:
            return f"the machine was short of memory meanwhile ({least.memory_gib:.1f} GiB available at the least)"
        return ""

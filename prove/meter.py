"""Processor seconds by what they went into, sampled: which part of a test's time is booting, installing, waiting."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

PERIOD_SECONDS = 0.5
TICK = os.sysconf("SC_CLK_TCK")

CLASSES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("packages", ("dpkg", "apt", "frontend", "update-ca", "openssl", "debconf")),
    ("ansible", ("ansible",)),
    ("pulumi", ("pulumi",)),
    ("mirror", ("nginx", "registry", "zstd", "xz")),
    ("builds", ("go", "compile", "link", "cc1", "gcc")),
    ("boot", ("systemd", "(sd-", "dbus", "debootstrap", "mkfs", "mount", "ip", "nft")),
    (
        "engines",
        (
            "kube",
            "etcd",
            "redis",
            "containerd",
            "runc",
            "coredns",
            "flannel",
            "metrics-server",
            "haproxy",
            "iptables",
            "pause",
        ),
    ),
    ("ssh", ("ssh",)),
    ("tests", ("pytest", "ruff", "mypy")),
)
"""Beginnings of programs' names (comm) by class. Python is told by its command line."""


class Meter:
    """Samples every process of the machine until it is stopped."""

    def __init__(self) -> None:
        self._totals: dict[str, float] = {}
        self._seen: dict[int, tuple[float, str, int]] = {}
        self._told: dict[str, float] = {}
        self._began = time.monotonic()
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._sample(first=True)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def since(self) -> dict[str, float]:
        """Processor seconds by class since the call before; ``waiting`` is what all cores together did not use."""
        with self._lock:
            self._sample()
            now = time.monotonic()
            found = {name: round(used - self._told.get(name, 0.0), 2) for name, used in self._totals.items()}
            found["waiting"] = round(max(0.0, (now - self._began) * (os.cpu_count() or 1) - sum(found.values())), 2)
            self._told, self._began = dict(self._totals), now
        return {name: used for name, used in found.items() if used > 0.05}

    def stop(self) -> None:
        """No more samples."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(PERIOD_SECONDS):
            with self._lock:
                self._sample()

    def _sample(self, *, first: bool = False) -> None:
        """A process that ended is in its parent's count of children: what was seen of it alive is taken off again."""
        now = dict(_processes())
        ended: dict[int, float] = {}
        for pid, (used, _, parent) in self._seen.items():
            if pid not in now:
                ended[parent] = ended.get(parent, 0.0) + used
        for pid, (used, kind, _) in now.items():
            before = self._seen[pid][0] if pid in self._seen else 0.0
            new = max(0.0, used - before - ended.get(pid, 0.0))
            if not first:
                self._totals[kind] = self._totals.get(kind, 0.0) + new
        self._seen = now


def _processes() -> Iterator[tuple[int, tuple[float, str, int]]]:
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            head, _, rest = (place / "stat").read_text().rpartition(")")
            fields = rest.split()
            used = sum(int(field) for field in fields[11:15]) / TICK
            yield int(place.name), (used, _kind(place, head.partition("(")[2]), int(fields[1]))


def _kind(place: Path, name: str) -> str:
    for kind, beginnings in CLASSES:
        if name.startswith(beginnings):
            return kind
    if name.startswith(("python", "greenfield")):
        command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        for word, kind in (("mitogen", "modules"), ("ansible", "ansible"), ("pulumi", "pulumi"), ("pytest", "tests")):
            if word in command:
                return kind
        return "greenfield"
    return "other"

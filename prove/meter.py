"""Processor seconds of a part: of its processes and of its lab's hosts, by their cgroups; what of them went into what.

The kernel counts a cgroup's seconds (Documentation/admin-guide/cgroup-v1/cpuacct.rst), also those of processes that
lived for a moment. What they were for is sampled twice a second: shares, which add up to ``cpu`` only roughly (seen: a
third more).
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
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


ACCOUNTS = Path("/sys/fs/cgroup/cpuacct")
OWN = "greenfield-prove-"
LEAVING_TRIES = 50
"""A process may be forked while the others are moved out."""


class Part:
    """This process, all that it starts from now on, and the hosts of labs, which have cgroups of their own.

    Whose a lab is, its cgroup does not say: of two sessions at once, only one may count ``labs``.
    """

    def __init__(self, accounts: Path = ACCOUNTS, *, labs: bool = True) -> None:
        """Put this process into a cgroup of its own.

        Raises:
            OSError: the machine does not count processor seconds by cgroup (v1), or does not let us.
        """
        self._accounts, self._labs = accounts, labs
        for left in accounts.glob(f"{OWN}*"):
            if not Path(f"/proc/{left.name.removeprefix(OWN)}").exists():
                with contextlib.suppress(OSError):
                    left.rmdir()
        self._own = accounts / f"{OWN}{os.getpid()}"
        self._own.mkdir(exist_ok=True)
        (self._own / "cgroup.procs").write_text(str(os.getpid()))
        self._counted = {folder: _used_seconds(folder) for folder in self._folders()}
        self._gone = 0.0

    def seconds(self) -> float:
        """Used since the beginning; a cgroup that is gone counts with what it was last seen to have used."""
        here = set(self._folders())
        for folder in here:
            self._counted.setdefault(folder, 0.0)
        used = {folder: _used_seconds(folder) for folder in here}
        self._gone += sum(max(0.0, used[folder] - self._counted[folder]) for folder in here)
        self._counted = used
        return self._gone

    def pids(self) -> set[int]:
        """Its processes."""
        found: set[int] = set()
        for top in self._folders():
            # os.walk bears that containers and their cgroups come and go meanwhile.
            for folder, _, _ in os.walk(top):
                with contextlib.suppress(OSError):
                    found.update(int(line) for line in Path(folder, "cgroup.procs").read_text().split())
        return found

    def end(self) -> None:
        """Leave nothing of it behind; what it started meanwhile goes where it came from."""
        for _ in range(LEAVING_TRIES):
            with contextlib.suppress(OSError):
                for pid in (self._own / "cgroup.procs").read_text().split():
                    (self._accounts / "cgroup.procs").write_text(pid)
                self._own.rmdir()
                return
            time.sleep(0.1)

    def _folders(self) -> list[Path]:
        found = self._accounts.glob("greenfield-*") if self._labs else ()
        return [self._own, *(folder for folder in found if not folder.name.startswith(OWN))]


def _used_seconds(folder: Path) -> float:
    try:
        return int((folder / "cpuacct.usage").read_text()) / 1e9
    except OSError:
        return 0.0


class Meter:
    """Samples the processes of a part until it is stopped."""

    def __init__(self, *, labs: bool = True) -> None:
        self._part = Part(labs=labs)
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
        """Processor seconds since the call before: all (``cpu``), by class, and what the cores did not give it."""
        with self._lock:
            self._sample()
            now = time.monotonic()
            found = {name: round(used - self._told.get(name, 0.0), 2) for name, used in self._totals.items()}
            found["waiting"] = round(max(0.0, (now - self._began) * (os.cpu_count() or 1) - found["cpu"]), 2)
            self._told, self._began = dict(self._totals), now
        return {name: used for name, used in found.items() if used > 0.05}

    def stop(self) -> None:
        """No more samples."""
        self._done.set()
        self._thread.join()
        self._part.end()

    def _run(self) -> None:
        while not self._done.wait(PERIOD_SECONDS):
            with self._lock:
                self._sample()

    def _sample(self, *, first: bool = False) -> None:
        """A process that ended is in its parent's count of children, or, where that ended too, in the next one's above.

        What was seen of it alive is taken off again there.
        """
        self._totals["cpu"] = self._part.seconds()
        now = dict(_processes(self._part.pids()))
        ended: dict[int, float] = {}
        for pid, (used, _, parent) in self._seen.items():
            if pid not in now:
                above = parent
                while above in self._seen and above not in now:
                    above = self._seen[above][2]
                ended[above] = ended.get(above, 0.0) + used
        for pid, (used, kind, _) in now.items():
            before = self._seen[pid][0] if pid in self._seen else 0.0
            new = max(0.0, used - before - ended.get(pid, 0.0))
            if not first:
                self._totals[kind] = self._totals.get(kind, 0.0) + new
        self._seen = now


def _processes(pids: Iterable[int]) -> Iterator[tuple[int, tuple[float, str, int]]]:
    for place in (Path(f"/proc/{pid}") for pid in pids):
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

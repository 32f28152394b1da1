"""What a lab's hosts find on the network: the site mirror and, when the site names it, a time server."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from greenfield.artifacts.place import mirror_dir
from greenfield.artifacts.serving import programs, wait_until_answers
from greenfield.errors import ArtifactError, LabError
from greenfield.lab.cgroup import Cgroup
from greenfield.lab.fabric import Fabric
from greenfield.lab.spawn import spawn
from greenfield.model.site import Site

CHRONY = """# Written by greenfield lab up; the workstation's own clock, served to lab hosts.
local stratum 8
{allow}
bindaddress {address}
cmdport 0
pidfile {folder}/chronyd.pid
"""


@dataclass(frozen=True, slots=True)
class Services:
    """Starts, mends and looks after the services of one lab. They end with the lab's cgroup."""

    site: Site
    fabric: Fabric

    @property
    def folder(self) -> Path:
        """Configuration, pid files and logs."""
        return self.fabric.names.services_dir

    @property
    def cgroup(self) -> Cgroup:
        """Holds every process of the services."""
        return Cgroup(f"{self.fabric.names.cgroup}/services")

    def ensure(self) -> None:
        """Have the mirror, and the time server if the site names this address, answer; restarts what changed."""
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        self.cgroup.create()
        top = self.fabric.topology
        mirror_dir(self.site.name).mkdir(parents=True, exist_ok=True)
        for program in programs(self.site.name, self.folder, f"{top.services}:{top.mirror_port}"):
            self._ensure(program.name, program.config, list(program.argv))
            try:
                wait_until_answers(program)
            except ArtifactError as error:
                raise LabError(error.message, fix=f"read {self.folder / program.name}.log") from error
        if str(top.services) in self.site.time_servers:
            allow = "\n".join(f"allow {cidr}" for cidr in top.ranges)
            self._ensure(
                "chronyd",
                CHRONY.format(folder=self.folder, address=top.services, allow=allow),
                ["chronyd", "-x", "-d", "-u", "root", "-f", str(self.folder / "chronyd.conf")],
            )

    def alive(self, name: str) -> bool:
        """Whether ``nginx`` or ``chronyd`` of this lab runs."""
        return self._pid(name) is not None

    def _ensure(self, name: str, config: str, argv: list[str]) -> None:
        path = self.folder / f"{name}.conf"
        changed = not path.exists() or path.read_text() != config
        path.write_text(config)
        if (pid := self._pid(name)) is not None:
            if not changed:
                return
            os.kill(pid, signal.SIGTERM)
            self._wait_gone(name)
        (self.folder / f"{name}.pid").unlink(missing_ok=True)
        spawn(self.cgroup, self.fabric.services.argv(*argv), self.folder / f"{name}.log")

    def _pid(self, name: str) -> int | None:
        """The running process whose pid file this is; a stale file never names a stranger."""
        try:
            pid = int((self.folder / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if pid in self.cgroup.pids() else None

    def _wait_gone(self, name: str) -> None:
        deadline = time.monotonic() + 10
        while self._pid(name) is not None:
            if time.monotonic() > deadline:
                raise LabError(f"{name} of lab {self.site.name} did not end within 10 s")
            time.sleep(0.05)

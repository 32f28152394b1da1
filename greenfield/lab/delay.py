"""Puts a delay line between a host and its rack, and takes it out again."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

from greenfield.errors import LabError
from greenfield.lab import delay_line
from greenfield.lab.cgroup import Cgroup
from greenfield.lab.fabric import Fabric
from greenfield.lab.names import interface
from greenfield.lab.spawn import spawn
from greenfield.model.site import Host


@dataclass(frozen=True, slots=True)
class Delay:
    """The delay line of one host: its port moves from the rack's bridge to a small one behind the line."""

    fabric: Fabric
    host: Host

    @property
    def cgroup(self) -> Cgroup:
        """Holds the line's process."""
        return Cgroup(f"{self.fabric.names.cgroup}/delay/{self.host.name}")

    def insert(self, milliseconds: int) -> None:
        """Delay every frame by so much, each way; replaces a line that is there.

        Raises:
            LabError: the line did not come up; carries what it said.
        """
        self.take_out()
        spine, near, far, bridge = self.fabric.spine, self._link("dn"), self._link("df"), self._link("db")
        log = self.fabric.names.host_dir(self.host.name) / "delay.log"
        self.cgroup.create()
        program = [sys.executable, "-I", delay_line.__file__, near, far, str(milliseconds)]
        spawn(self.cgroup, spine.argv(*program), log)
        deadline = time.monotonic() + 10
        while not (spine.has_link(near) and spine.has_link(far)):
            if time.monotonic() > deadline:
                raise LabError(f"the delay line of {self.host.name} did not start: {log.read_text().strip()[-300:]}")
            time.sleep(0.05)
        spine.ip("link", "add", bridge, "type", "bridge", "forward_delay", "0")
        mtu = str(self.fabric.topology.racks[self.host.rack].mtu)
        for link, master in ((near, bridge), (far, self.fabric.bridge(self.host.rack))):
            spine.ip("link", "set", link, "mtu", mtu, "master", master, "up")
        spine.ip("link", "set", bridge, "mtu", mtu, "up")
        spine.ip("link", "set", self.fabric.port(self.host.name), "master", bridge)

    def take_out(self) -> None:
        """Connect the host to its rack directly again; does nothing when it is."""
        spine, bridge = self.fabric.spine, self._link("db")
        if spine.has_link(self.fabric.port(self.host.name)):
            spine.ip("link", "set", self.fabric.port(self.host.name), "master", self.fabric.bridge(self.host.rack))
        self.cgroup.kill()
        self.cgroup.remove()
        spine.delete_link(bridge)

    def _link(self, kind: str) -> str:
        return interface(f"{kind}-{self.host.name}")

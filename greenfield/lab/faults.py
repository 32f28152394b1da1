"""Real faults on purpose, and their undoing."""

from __future__ import annotations

import subprocess
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath

from greenfield.errors import LabError
from greenfield.lab import access
from greenfield.lab.delay import Delay
from greenfield.lab.fabric import Fabric
from greenfield.lab.fault import Fault, FaultBook
from greenfield.lab.host import LabHost
from greenfield.lab.lock import locked
from greenfield.lab.names import Names, interface
from greenfield.model.site import Site

FILL_FILE = ".greenfield-fill"


class Faults:
    """The faults a lab can have. Each is noted when it is made and gone when it is cleared."""

    site: Site
    names: Names
    fabric: Fabric
    book: FaultBook

    @abstractmethod
    def host(self, name: str) -> LabHost:
        """A host by name."""

    @abstractmethod
    def run(
        self, host: str, command: str | Sequence[str], *, timeout_seconds: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run something as root inside a host."""

    @abstractmethod
    def _boot(self, lab_host: LabHost, identity: access.Identity) -> None:
        """Have a host running; its network is there."""

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lab's lock.

        Raises:
            LabError: there is no lab to change.
        """
        with locked(self.names):
            if not self.fabric.spine.exists():
                raise LabError(f"lab {self.site.name} is not up", fix="greenfield lab up")
            yield

    def faults(self) -> list[Fault]:
        """Faults that stand, oldest first."""
        return self.book.all()

    def stop_host(self, host: str) -> Fault:
        """Power a host off cleanly; its data stays."""
        with self._changing():
            self._thawed(host).stop()
            return self.book.add("stop", host)

    def kill_host(self, host: str) -> Fault:
        """Take a host's power away in the middle of whatever it does; its data stays."""
        with self._changing():
            self.host(host).kill()
            return self.book.add("kill", host)

    def start_host(self, host: str) -> None:
        """Bring a stopped or killed host back with its data, and wait until it has booted."""
        with self._changing():
            self._clear([f for f in self.book.all() if f.target == host and f.kind in ("stop", "kill", "freeze")])
            self._boot(self.host(host), access.ensure_identity(self.site))

    def freeze_host(self, host: str) -> Fault:
        """Stop every process of a host where it is; its network still answers at the link, nothing above does."""
        with self._changing():
            lab_host = self._thawed(host)
            if not lab_host.running():
                raise LabError(f"host {host} does not run, so it can't be frozen", fix=f"greenfield lab start {host}")
            lab_host.cgroup.freeze()
            return self.book.add("freeze", host)

    def cut(self, target: str) -> Fault:
        """Take down the link of a host, or of a whole rack towards the rest of the site."""
        with self._changing():
            self.fabric.cut(self._link(target))
            return self.book.add("cut", target, "rack" if target in self.site.racks else "host")

    def delay(self, host: str, milliseconds: int) -> Fault:
        """Make every packet to and from a host so much late, each way; a second delay replaces the first."""
        with self._changing():
            Delay(self.fabric, self.host(host).host).insert(milliseconds)
            return self.book.add("delay", host, f"{milliseconds} ms")

    def fill(self, host: str, place: str = "") -> Fault:
        """Fill a data disk to the last byte.

        Args:
            host: whose disk.
            place: a disk of the hardware class, or a path in the host; empty means the first disk.
        """
        with self._changing():
            path = self._fill_path(host, place)
            fault = self.book.add("fill", host, str(path))
            # One large extent first, because writing it all would take long; then whatever is left.
            script = (
                f"mountpoint -q {path.parent} || exit 3; "
                # Anything but a disk of the host's own is the machine's.
                f"case $(findmnt -no SOURCE {path.parent} | tail -n 1) in /dev/loop*) ;; *) exit 3 ;; esac; "
                f"fallocate -l $(df --output=avail -B1 {path.parent} | tail -n 1) {path} 2>/dev/null; "
                f"dd if=/dev/zero bs=64k oflag=append conv=notrunc of={path} 2>/dev/null; "
                f"dd if=/dev/zero bs=512 oflag=append conv=notrunc,fsync of={path} 2>/dev/null; test -s {path}"
            )
            done = self.run(host, script, timeout_seconds=120)
            if done.returncode != 0:
                self.book.remove([fault.id])
                raise LabError(f"{path.parent} on {host} is not a mounted disk", fix="deliver the host first")
            return fault

    def clear(self, ids: Iterable[str] | None = None) -> list[Fault]:
        """Undo faults by id, all of them without one; returns what was undone.

        Raises:
            LabError: no fault of such an id stands.
        """
        with self._changing():
            standing = {fault.id: fault for fault in self.book.all()}
            wanted = list(standing) if ids is None else list(ids)
            if unknown := [i for i in wanted if i not in standing]:
                known = ", ".join(standing) or "none"
                raise LabError(f"no fault {', '.join(unknown)} stands", fix=f"standing: {known}; see lab fault list")
            undone = [standing[i] for i in wanted]
            self._clear(undone)
            return undone

    def _clear(self, faults: Sequence[Fault]) -> None:
        # Links first, then power, then disks: a disk can be emptied only in a host that runs.
        order = ("cut", "delay", "freeze", "stop", "kill", "fill")
        undo: dict[str, Callable[[Fault], None]] = {
            "cut": self._mend,
            "delay": lambda fault: Delay(self.fabric, self.host(fault.target).host).take_out(),
            "freeze": lambda fault: self.host(fault.target).cgroup.thaw(),
            "stop": self._power_on,
            "kill": self._power_on,
            "fill": self._empty,
        }
        for fault in sorted(faults, key=lambda f: order.index(f.kind)):
            if fault.target in self.site.hosts or fault.target in self.site.racks:
                undo[fault.kind](fault)
            self.book.remove([fault.id])

    def _mend(self, fault: Fault) -> None:
        self.fabric.mend(self._link(fault.target))

    def _power_on(self, fault: Fault) -> None:
        self._boot(self.host(fault.target), access.ensure_identity(self.site))

    def _empty(self, fault: Fault) -> None:
        if not self.host(fault.target).running():
            self._power_on(fault)
        self.run(fault.target, ["rm", "-f", fault.detail])

    def _thawed(self, host: str) -> LabHost:
        lab_host = self.host(host)
        lab_host.cgroup.thaw()
        if frozen := self.book.find("freeze", host):
            self.book.remove([frozen.id])
        return lab_host

    def _link(self, target: str) -> str:
        if target in self.site.racks:
            return interface(f"tor-{target}")
        return self.fabric.port(self.host(target).host.name)

    def _fill_path(self, host: str, place: str) -> PurePosixPath:
        if place.startswith("/"):
            return PurePosixPath(place) / FILL_FILE
        disks = self.site.hardware[self.host(host).host.hardware].disks
        name = place or next(iter(disks), "")
        if name not in disks:
            raise LabError(f"host {host} has no disk {name!r}", fix=f"one of: {', '.join(disks) or 'it has none'}")
        return PurePosixPath("/data" if name == "data" else f"/data/{name}") / FILL_FILE

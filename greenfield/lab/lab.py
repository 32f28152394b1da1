"""The lab of a site: brings it up, takes it down, looks into it and breaks it on purpose."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from greenfield.errors import LabError
from greenfield.lab import access
from greenfield.lab.cgroup import Cgroup
from greenfield.lab.disk import detach_below
from greenfield.lab.fabric import Fabric
from greenfield.lab.fault import Fault, FaultBook
from greenfield.lab.faults import Faults
from greenfield.lab.host import LabHost, remove_traces
from greenfield.lab.kernel_server import KernelServer
from greenfield.lab.lock import locked
from greenfield.lab.machine import check_machine, check_room, check_root, find_programs
from greenfield.lab.mount import remove_folder, unmount_below
from greenfield.lab.names import Names
from greenfield.lab.services import Services
from greenfield.lab.status import HostStatus, State
from greenfield.lab.topology import topology
from greenfield.lab.tree import ensure_tree, tree_path
from greenfield.model.site import Host, Site

Say = Callable[[str], None]
PARALLEL_BOOTS = 12


def _silent(_: str) -> None:
    """Progress that nobody watches."""


class Lab(Faults):
    """A site's hosts, racks and services on this machine.

    Everything is keyed by the site's name; labs of sites with other names and ranges may stand beside it. Needs root.
    """

    def __init__(self, site: Site, *, say: Say = _silent) -> None:
        """Look at a site's lab without touching anything; ``say`` gets one line per step of progress.

        Raises:
            LabError: the site can't be a lab (see ``topology``).
        """
        self.site = site
        self.names = Names(site.name)
        self.fabric = Fabric(self.names, topology(site))
        self.services = Services(site, self.fabric)
        self.hosts = {name: LabHost(site, host, self.names, tree_path()) for name, host in site.hosts.items()}
        self.book = FaultBook(self.names.state / "faults.json")
        self._say = say
        find_programs()

    def up(self) -> None:
        """Have every host of the site running and reachable with nothing wrong; starts, mends or leaves alone.

        Faults that stand are cleared. A second run changes nothing and takes a few seconds.

        Raises:
            LabError: a host did not boot, or the machine can't hold a lab; says which and why.
        """
        check_machine()
        with locked(self.names):
            self.fabric.check_free()
            ensure_tree(self._say)
            check_room([h.host.name for h in self.hosts.values() if not h.running()])
            self._record_namespaces()
            if not self.born:
                (self.names.state / "born").write_text(str(uuid.uuid4()))
            self._remove_strangers()
            identity = access.ensure_identity(self.site)
            self._say("network")
            Cgroup(self.names.cgroup).create()
            self.fabric.ensure_core()
            for net in self.fabric.topology.racks.values():
                self.fabric.ensure_rack(net)
            self.services.ensure()
            if KernelServer(self.names).ensure():
                # Hosts can't change to another view of the kernel while they run.
                for lab_host in self.hosts.values():
                    lab_host.cgroup.thaw()
                    lab_host.stop()
            self._clear([fault for fault in self.book.all() if fault.kind in ("cut", "delay", "freeze")])
            self._each("up", lambda lab_host: self._host_up(lab_host, identity))
            self._clear(self.book.all())
            self._pin()

    def down(self) -> None:
        """Remove everything of the lab, whatever state it is in; what is not the lab's own stays.

        Raises:
            LabError: something could not be removed; says what holds it.
        """
        check_root()
        with locked(self.names):
            self._say("ending processes")
            everything = Cgroup(self.names.cgroup)
            everything.kill()
            everything.remove()
            self._say("removing network, disks and files")
            self.fabric.remove(self._namespaces())
            for name in self._host_names():
                remove_traces(self.names, name)
            unmount_below(self.names.state)
            detach_below(self.names.state)
            remove_folder(self.names.state)
            access.unpin(self.site)

    @property
    def born(self) -> str:
        """What tells this lab from one that stood here before; empty where there is none."""
        file = self.names.state / "born"
        return file.read_text() if file.exists() else ""

    def status(self) -> list[HostStatus]:
        """How each host of the site is, in the site's order. Reads only."""
        return [self._status(lab_host, self.book.all()) for lab_host in self.hosts.values()]

    def run(
        self, host: str, command: str | Sequence[str], *, timeout_seconds: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell text or an argument list as root inside a host, not over the network.

        Raises:
            LabError: no such host, it does not run, or the command did not end in time.
        """
        return self.host(host).run(command, timeout_seconds=timeout_seconds)

    def reset_host(self, host: str, *, keep_key: bool = False) -> None:
        """Replace a host by a fresh one of the same name: bare system, empty disks and, unless kept, a new host key."""
        with self._changing():
            lab_host = self.host(host)
            key = lab_host.folder / "ssh_host_ed25519_key"
            kept = {p: p.read_bytes() for p in (key, key.with_suffix(".pub")) if keep_key and p.exists()}
            lab_host.remove()
            for path, content in kept.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                path.chmod(0o600)
            self.book.remove(f.id for f in self.book.all() if f.target == host and f.kind not in ("cut", "delay"))
            self._boot(lab_host, access.ensure_identity(self.site))
            self._pin()

    def host(self, name: str) -> LabHost:
        """A host by name.

        Raises:
            LabError: the site has none of that name.
        """
        if name not in self.hosts:
            raise LabError(f"site {self.site.name} has no host {name!r}", fix=f"one of: {', '.join(self.hosts)}")
        return self.hosts[name]

    def _host_up(self, lab_host: LabHost, identity: access.Identity) -> None:
        self.fabric.ensure_host(lab_host.host)
        self._boot(lab_host, identity)

    def _boot(self, lab_host: LabHost, identity: access.Identity) -> None:
        lab_host.prepare(identity)
        lab_host.start()
        state = lab_host.wait_booted()
        if state != "running":
            failed = lab_host.run("systemctl --failed --plain --no-legend", timeout_seconds=10).stdout.split("\n")
            units = ", ".join(line.split()[0] for line in failed if line.strip())
            self._say(f"{lab_host.host.name} is {state}: {units} failed")

    def _each(self, what: str, work: Callable[[LabHost], None]) -> None:
        """Do something on all hosts at once; every failure is in the error, none stops the others."""
        failures: list[str] = []
        with ThreadPoolExecutor(max_workers=PARALLEL_BOOTS) as pool:
            jobs = {pool.submit(work, lab_host): name for name, lab_host in self.hosts.items()}
            for done, job in enumerate(as_completed(jobs), start=1):
                error = job.exception()
                if isinstance(error, LabError):
                    failures.append(str(error))
                elif error is not None:
                    raise error
                self._say(f"{jobs[job]} {'failed' if error else what} ({done}/{len(jobs)})")
        if failures:
            raise LabError(f"{len(failures)} of {len(self.hosts)} hosts are not up:\n" + "\n".join(failures))

    def _pin(self) -> None:
        keys = {name: access.ensure_host_key(lab_host.folder, name) for name, lab_host in self.hosts.items()}
        access.pin(self.site, {name: key.with_suffix(".pub").read_text() for name, key in keys.items()})

    def _status(self, lab_host: LabHost, faults: Iterable[Fault]) -> HostStatus:
        host: Host = lab_host.host
        state: State = "absent"
        if lab_host.running():
            state = "frozen" if lab_host.cgroup.frozen() else "running"
        elif lab_host.folder.exists():
            state = "stopped"
        return HostStatus(
            name=host.name,
            rack=host.rack,
            address=host.address,
            state=state,
            memory_used_bytes=lab_host.cgroup.memory_used_bytes(),
            memory_bytes=self.site.hardware[host.hardware].memory_bytes,
            uptime_seconds=lab_host.uptime_seconds(),
            faults=tuple(str(fault) for fault in faults if fault.target in (host.name, host.rack)),
        )

    def _record_namespaces(self) -> None:
        """Note the names before they are made, so that ``down`` finds them even when the spec has changed since."""
        self.names.state.mkdir(parents=True, exist_ok=True)
        (self.names.state / "namespaces").write_text("\n".join(self._namespaces()))

    def _namespaces(self) -> list[str]:
        record = self.names.state / "namespaces"
        recorded = record.read_text().split() if record.exists() else []
        derived = [self.names.namespace(what) for what in ("spine", "services", *self.hosts)]
        return sorted({*recorded, *derived})

    def _host_names(self) -> list[str]:
        folder = self.names.state / "hosts"
        on_disk = [path.name for path in folder.iterdir()] if folder.exists() else []
        return sorted({*on_disk, *self.hosts})

    def _remove_strangers(self) -> None:
        """Remove hosts that the site had once and has no more."""
        for name in set(self._host_names()) - set(self.hosts):
            gone = Host(name, "", 0, next(iter(self.site.hardware)), "", "", "")
            self._say(f"removing {name}, which the site no longer has")
            LabHost(self.site, gone, self.names, tree_path()).remove()
            self.fabric.spine.delete_link(self.fabric.port(name))
            self.fabric.host(name).remove()

"""One lab host: a Debian system in systemd-nspawn on an overlay of the base tree."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from greenfield.errors import LabError
from greenfield.lab import image, kernel_view, modules
from greenfield.lab.access import Identity
from greenfield.lab.cgroup import Cgroup
from greenfield.lab.command import attempt, run
from greenfield.lab.disk import LabDisk, detach_below, disks_of
from greenfield.lab.kernel_server import KernelServer
from greenfield.lab.mount import mounts_below, remove_folder, unmount_below
from greenfield.lab.names import Names
from greenfield.lab.namespace import Namespace
from greenfield.lab.spawn import spawn
from greenfield.model.site import Host, Site

SYSTEM_CALLS = "@keyring bpf perf_event_open"
"""Allowed beyond nspawn's own set: what container runtimes need."""

MACHINE_CALLS = "@module settimeofday clock_settime clock_settime64 adjtimex clock_adjtime clock_adjtime64"
"""Refused, though hosts have the capabilities that daemons ask for: modules and the clock are the machine's."""

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}

BOOT_AGAIN = 'while "$@"; [ $? -eq 133 ]; do :; done'
"""A container that rebooted itself makes nspawn end with 133; anything else is the end."""

PLAIN_FOLDERS = {"containerd": "/var/lib/containerd", "kubelet": "/var/lib/kubelet"}
"""Folders of a host that lie beside its overlay: an overlay can't be the upper layer of another one."""

BOOT_SECONDS = 90.0
START_SECONDS = 10.0
"""Longest time without any process before a boot is given up."""
STOP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LabHost:
    """A host of the site as the lab runs it."""

    site: Site
    host: Host
    names: Names
    tree: Path

    @property
    def folder(self) -> Path:
        """All that is kept of this host on disk."""
        return self.names.host_dir(self.host.name)

    @property
    def root(self) -> Path:
        """Where the overlay is mounted."""
        return self.folder / "root"

    @property
    def cgroup(self) -> Cgroup:
        """Holds every process of the host."""
        return Cgroup(f"{self.names.cgroup}/{self.host.name}")

    @property
    def disks(self) -> list[LabDisk]:
        """The data disks of its hardware class."""
        return disks_of(self.site, self.host, self.folder / "disks")

    def running(self) -> bool:
        """Whether it has a process 1."""
        return self.cgroup.init_pid() is not None

    def prepare(self, identity: Identity) -> None:
        """Make overlay and disks and write what is the host's own; mends what is missing, keeps what is there."""
        for disk in self.disks:
            disk.attach()
        whole = self.folder / "prepared"
        if not whole.exists():
            unmount_below(self.root)
            for name in ("upper", "work", "plain"):
                remove_folder(self.folder / name)
        for name in PLAIN_FOLDERS:
            (self.folder / "plain" / name).mkdir(parents=True, exist_ok=True)
        if self.root not in mounts_below(self.root):
            for name in ("upper", "work", "root"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            layers = f"lowerdir={self.tree},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
            run(["mount", "-t", "overlay", "greenfield-lab", "-o", layers, str(self.root)])
        if not whole.exists():
            image.personalise(self.root, self.site, self.host, self.folder)
            whole.touch()
        image.authorise(self.root, self.site.access.user, identity.public_key)

    def start(self) -> None:
        """Boot it, unless it runs. Needs ``prepare`` and its network; returns before the boot is over."""
        cgroup = self.cgroup
        running = self.running()
        if not running:
            # With the cgroups that its containers had: a machine that boots has none.
            cgroup.kill()
            cgroup.remove()
        cgroup.create()
        hardware = self.site.hardware[self.host.hardware]
        cgroup.limit(memory_bytes=hardware.memory_bytes, cores=hardware.cores)
        if running:
            cgroup.thaw()
            return
        self._write_boot_folder()
        switches = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0", "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network"}
        spawn(cgroup, self._nspawn(), self.folder / "console.log", then=BOOT_AGAIN, env=ENVIRONMENT | switches)

    def wait_booted(self) -> str:
        """Wait until systemd says how the boot ended and return its word, ``running`` when all is well.

        Raises:
            LabError: it did not get there in time; carries what was last seen.
        """
        deadline = time.monotonic() + BOOT_SECONDS
        seen, alive = "no process 1", time.monotonic()
        while (now := time.monotonic()) < deadline and now < alive + START_SECONDS:
            try:
                # Asked again and again: with --wait, systemctl now and then misses the end of the boot.
                done = self.run(["systemctl", "is-system-running"], timeout_seconds=5)
                seen = done.stdout.strip() or done.stderr.strip()
            except LabError as error:
                seen = error.message
            if seen in ("running", "degraded"):
                return seen
            if self.cgroup.pids():
                alive = time.monotonic()
            time.sleep(0.15)
        console = self.folder / "console.log"
        last = (console.read_text(errors="replace").strip() if console.exists() else "").rpartition("\n")[2]
        raise LabError(
            f"host {self.host.name} did not boot in {now - alive if now < deadline else BOOT_SECONDS:.0f} s; "
            f"last seen: {seen}; its console: {last or 'nothing'}",
            fix=f"read {console}",
        )

    def stop(self) -> None:
        """Power it off cleanly.

        Raises:
            LabError: it still runs at the deadline.
        """
        if (pid := self.cgroup.init_pid()) is None:
            return
        os.kill(pid, signal.SIGRTMIN + 4)
        deadline = time.monotonic() + STOP_SECONDS
        while self.running():
            if time.monotonic() > deadline:
                raise LabError(
                    f"host {self.host.name} still runs {STOP_SECONDS:g} s after it was told to power off",
                    fix="greenfield lab fault kill " + self.host.name,
                )
            time.sleep(0.05)
        self.cgroup.kill()

    def kill(self) -> None:
        """Take its power away: every process is killed at once."""
        self.cgroup.kill()

    def remove(self) -> None:
        """End it and remove all of it but its network namespace."""
        self.cgroup.kill()
        self.cgroup.remove()
        remove_traces(self.names, self.host.name)
        unmount_below(self.folder)
        detach_below(self.folder)
        remove_folder(self.folder)

    def argv(self, command: Sequence[str]) -> list[str]:
        """The command that runs ``command`` as root inside, under the host's own limits.

        Raises:
            LabError: the host does not run, or stands frozen.
        """
        pid = self.cgroup.init_pid()
        if pid is None or self.cgroup.frozen():
            state = "is frozen" if pid else "does not run"
            raise LabError(f"host {self.host.name} {state}", fix="see `greenfield lab status` and `lab fault list`")
        # What enters from outside has no filter of system calls, so it loses the capabilities instead.
        inside = ["setpriv", "--bounding-set=-sys_time,-sys_module", "--"]
        inside += ["env", "--ignore-environment", *(f"{k}={v}" for k, v in ENVIRONMENT.items()), *command]
        nsenter = ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--"]
        return ["sh", "-c", self.cgroup.join_script(), "sh", *nsenter, *inside]

    def run(self, command: str | Sequence[str], *, timeout_seconds: float) -> subprocess.CompletedProcess[str]:
        """Run a shell text or an argument list as root inside."""
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        label = f"{self.host.name}: {command if isinstance(command, str) else shlex.join(command)}"
        return attempt(self.argv(argv), timeout_seconds=timeout_seconds, label=label)

    def uptime_seconds(self) -> float:
        """Time since process 1 began; 0 when it does not run."""
        if (pid := self.cgroup.init_pid()) is None:
            return 0.0
        began = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        return float(Path("/proc/uptime").read_text().split()[0]) - began / os.sysconf("SC_CLK_TCK")

    def _write_boot_folder(self) -> None:
        boot = self.folder / "boot"
        (boot / "kernel").mkdir(parents=True, exist_ok=True)
        (boot / "boot").write_text(kernel_view.boot_script())
        (boot / "modules").write_text(modules.builtin_text())
        (boot / "halt").write_text(kernel_view.HALT_SCRIPT)
        lines = [f"{disk.link} {Path(disk.attach()).name}\n" for disk in self.disks]
        (boot / "disks").write_text("".join(lines))

    def _nspawn(self) -> list[str]:
        network = Namespace(self.names.namespace(self.host.name)).path
        return [
            "systemd-nspawn",
            "--quiet",
            "--boot",
            "--settings=no",
            "--register=no",
            "--keep-unit",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            "--console=read-only",
            "--capability=all",
            f"--system-call-filter={SYSTEM_CALLS}",
            f"--system-call-filter=~{MACHINE_CALLS}",
            f"--directory={self.root}",
            f"--machine={self.names.machine(self.host.name)}",
            f"--hostname={self.host.name}",
            f"--network-namespace-path={network}",
            f"--bind-ro={self.folder / 'boot'}:{kernel_view.FOLDER}",
            f"--bind={KernelServer(self.names).folder / self.host.name}:{kernel_view.FOLDER}/kernel",
            *(f"--bind={self.folder / 'plain' / name}:{path}" for name, path in PLAIN_FOLDERS.items()),
            *(f"--bind={disk.attach()}" for disk in self.disks),
        ]


def remove_traces(names: Names, host: str) -> None:
    """Remove what systemd-nspawn leaves under /run when it is killed; the overlay must still be mounted."""
    run_dir = Path("/run/systemd/nspawn")
    for left in ("propagate", "unix-export"):
        remove_folder(run_dir / left / names.machine(host))
    root = names.host_dir(host) / "root"
    if root.exists():
        seen = root.stat()
        (run_dir / "locks" / f"inode-{seen.st_dev}:{seen.st_ino}").unlink(missing_ok=True)

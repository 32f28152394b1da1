"""Runs the file system of kernel settings (``kernel_files``) for one lab."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from greenfield.errors import LabError
from greenfield.lab import kernel_files
from greenfield.lab.cgroup import Cgroup
from greenfield.lab.kernel_view import entries
from greenfield.lab.mount import mounts_below, unmount_below
from greenfield.lab.names import Names
from greenfield.lab.spawn import spawn


@dataclass(frozen=True, slots=True)
class KernelServer:
    """The process behind ``state/kernel``. It ends when the folder is unmounted or its cgroup is killed."""

    names: Names

    @property
    def folder(self) -> Path:
        """Where it is mounted."""
        return self.names.state / "kernel"

    @property
    def cgroup(self) -> Cgroup:
        """Holds its process."""
        return Cgroup(f"{self.names.cgroup}/kernel")

    def alive(self) -> bool:
        """Whether it is mounted and answers."""
        if self.folder not in mounts_below(self.folder) or not self.cgroup.pids():
            return False
        try:
            return os.listdir(self.folder) is not None  # noqa: PTH208  (any answer will do)
        except OSError:
            return False

    def ensure(self) -> bool:
        """Have it answer; returns whether it had to be started, so that what used an earlier one must reboot.

        Raises:
            LabError: it does not answer in time; carries what it said.
        """
        if self.alive():
            return False
        unmount_below(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cgroup.create()
        self.cgroup.kill()
        log = self.names.state / "kernel.log"
        program = [sys.executable, "-I", kernel_files.__file__, str(self.folder), *entries()]
        spawn(self.cgroup, program, log)
        deadline = time.monotonic() + 10
        while not self.alive():
            if time.monotonic() > deadline:
                raise LabError(
                    f"the kernel view of lab {self.names.site} did not start: {log.read_text().strip()[-300:]}",
                    fix="the lab needs FUSE: look for fuse in /proc/filesystems and for /dev/fuse",
                )
            time.sleep(0.02)
        return True

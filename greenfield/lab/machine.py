"""Whether this machine can hold a lab."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Sequence

from greenfield.artifacts.place import cache
from greenfield.errors import LabError
from greenfield.lab.cgroup import controllers

PROGRAMS = (
    "systemd-nspawn", "debootstrap", "ip", "nsenter", "losetup", "mkfs.xfs", "ssh-keygen", "nginx", "chronyd",
    "useradd",
)  # fmt: skip
INOTIFY_INSTANCES_PER_HOST = 5
"""What systemd, dbus and logind of one host take, and one to spare."""


def check_root() -> None:
    """Raises LabError unless this process is root's."""
    if os.geteuid() != 0:
        raise LabError("the lab makes namespaces, mounts and cgroups, which needs root", fix="run it with sudo")


def find_programs() -> None:
    """Have this process find what a lab runs, whoever calls the command line by its path and with whatever PATH."""
    os.environ["PATH"] = widened(os.environ.get("PATH", os.defpath))


def widened(path: str) -> str:
    """A search path that leads to root's programs too, and to the ``chronyd`` of the set-up (``.ci/packages``), which
    lies in the cache where this machine's clock has another keeper."""
    found = [folder for folder in path.split(os.pathsep) if folder]
    more = ["/usr/sbin", "/sbin", str(cache() / "tools" / "chrony" / "bin")]
    return os.pathsep.join([*found, *(folder for folder in more if folder not in found)])


def check_machine() -> None:
    """Raises LabError when something that every lab needs is missing, naming all of it."""
    check_root()
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        raise LabError(
            f"the lab needs {', '.join(missing)}",
            fix="apt-get install systemd-container debootstrap iproute2 xfsprogs openssh-client nginx-light chrony",
        )
    controllers()


def check_room(starting: Sequence[str]) -> None:
    """See that the kernel has inotify instances left for hosts that will boot: all labs' hosts share root's share.

    Raises:
        LabError: it has not; a host would come up degraded.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    taken: list[int] = []
    wanted = INOTIFY_INSTANCES_PER_HOST * len(starting)
    try:
        while len(taken) < wanted and (instance := libc.inotify_init1(os.O_CLOEXEC)) >= 0:
            taken.append(instance)
    finally:
        for instance in taken:
            os.close(instance)
    if len(taken) < wanted:
        raise LabError(
            f"{len(starting)} hosts need about {wanted} inotify instances; the kernel has {len(taken)} left for root",
            fix="bring another lab down, or raise fs.inotify.max_user_instances of this machine",
        )

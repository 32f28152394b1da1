"""Whether this machine has room for the hosts of another Kubernetes cluster, by counting before anything is started."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path

from bench.process import BenchError

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
"""One number for all hosts of all labs: they are one user's, root's, on one kernel."""

CONTROL_INSTANCES, WORKER_INSTANCES = 23, 13
"""What a lab host takes as a node of Kubernetes (systemd, dbus, containerd, kubelet, a shim and a program a container),
as counted on three of each with what the example has on them."""

WAIT_SECONDS = 1200.0


def limit() -> int:
    """How many inotify instances the kernel gives a user."""
    return int(LIMIT.read_text())


def free() -> int:
    """How many of them are left: taken, counted and given back."""
    libc = ctypes.CDLL(None, use_errno=True)
    taken: list[int] = []
    try:
        while len(taken) < limit() and (instance := libc.inotify_init1(os.O_CLOEXEC)) >= 0:
            taken.append(instance)
    finally:
        for instance in taken:
            os.close(instance)
    return len(taken)


def wanted(control: int, workers: int) -> int:
    """Instances that a cluster's hosts will take."""
    return control * CONTROL_INSTANCES + workers * WORKER_INSTANCES


def why_never(control: int, workers: int, most: int) -> str:
    """Why a cluster can't stand on a machine with ``most`` instances even alone; empty when it can."""
    if (need := wanted(control, workers)) <= most:
        return ""
    more = max(0, (most - control * CONTROL_INSTANCES) // WORKER_INSTANCES)
    return (
        f"{control + workers} hosts take about {need} inotify instances ({CONTROL_INSTANCES} a control-plane member, "
        f"{WORKER_INSTANCES} a worker) and this machine gives root {most} (fs.inotify.max_user_instances), "
        f"enough for {control + more}"
    )


def wait_for(control: int, workers: int, say: Callable[[str], None], *, most: int | None = None) -> None:
    """Wait until other labs have left enough for a cluster.

    Raises:
        BenchError: this machine could not hold it alone, or others have not made room in time.
    """
    most = limit() if most is None else most
    if why := why_never(control, workers, most):
        raise BenchError(why)
    deadline, need = time.monotonic() + WAIT_SECONDS, wanted(control, workers)
    while (left := free()) < need:
        if time.monotonic() > deadline:
            raise BenchError(
                f"no room after {WAIT_SECONDS:.0f} s: {control + workers} hosts take about {need} inotify instances, "
                f"and {left} of {most} are left; bring other labs down (greenfield lab down --spec SPEC)"
            )
        say(f"waiting for room: other labs leave {left} inotify instances and {need} are needed")
        time.sleep(10)

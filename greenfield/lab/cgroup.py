"""cgroups (v1) that hold the lab's processes: limits, freezing, and the sure way to find and end them all."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from greenfield.errors import LabError

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("memory", "cpu", "cpuacct", "cpuset", "pids", "blkio", "freezer", "devices", "systemd", "unified")
EXEC = 'exec "$@"'
CPU_PERIOD_MICROSECONDS = 100_000


def controllers() -> tuple[str, ...]:
    """The controllers of this machine that the lab uses.

    Raises:
        LabError: the machine has no cgroup v1 hierarchy with memory, cpu and freezer.
    """
    found = tuple(c for c in CONTROLLERS if (ROOT / c / "cgroup.procs").exists())
    missing = {"memory", "cpu", "freezer", "systemd"} - set(found)
    if missing:
        raise LabError(
            f"this machine has no cgroup v1 controller {', '.join(sorted(missing))} under {ROOT}",
            fix="boot with systemd.unified_cgroup_hierarchy=0; the lab's bookworm hosts need cgroup v1",
        )
    return found


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One path below every controller, e.g. ``greenfield-lab/r1-h1``."""

    path: str

    def folders(self) -> list[Path]:
        """The cgroup's folder in each controller, whether it exists or not."""
        return [ROOT / controller / self.path for controller in controllers()]

    def create(self) -> None:
        """Make it below every controller; a cpuset gets its parent's CPUs and memory nodes."""
        for folder in self.folders():
            for level in [*reversed(folder.relative_to(ROOT).parents), folder.relative_to(ROOT)][2:]:
                here = ROOT / level
                here.mkdir(exist_ok=True)
                if level.parts[0] == "cpuset":
                    for name in ("cpuset.cpus", "cpuset.mems"):
                        if not (here / name).read_text().strip():
                            (here / name).write_text((here.parent / name).read_text())

    def limit(self, *, memory_bytes: int, cores: int) -> None:
        """Bound memory and CPU time of everything inside."""
        (ROOT / "memory" / self.path / "memory.limit_in_bytes").write_text(str(memory_bytes))
        cpu = ROOT / "cpu" / self.path
        (cpu / "cpu.cfs_period_us").write_text(str(CPU_PERIOD_MICROSECONDS))
        (cpu / "cpu.cfs_quota_us").write_text(str(CPU_PERIOD_MICROSECONDS * cores))

    def pids(self) -> set[int]:
        """Every process inside, at any depth, by any controller."""
        found: set[int] = set()
        for folder in self.folders():
            found |= _pids_below(folder)
        return found

    def init_pid(self) -> int | None:
        """The process that is number 1 of a PID namespace of its own, or None while nothing booted."""
        for pid in sorted(_pids_below(ROOT / "freezer" / self.path)):
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("NSpid:") and line.split()[2:] == ["1"]:
                        return pid
        return None

    def join_script(self, then: str = EXEC) -> str:
        """Shell text that moves the shell into the cgroup and then, unless told otherwise, becomes its arguments."""
        moves = " && ".join(f"echo $$ > {folder}/cgroup.procs" for folder in self.folders())
        return f"{moves} || exit 125; {then}"

    def freeze(self) -> None:
        """Stop the processes where they are. Returns when the kernel says they stand."""
        self._freezer("FROZEN")

    def thaw(self) -> None:
        """Let frozen processes go on; nothing happens when they aren't frozen."""
        if (ROOT / "freezer" / self.path).exists():
            self._freezer("THAWED")

    def frozen(self) -> bool:
        """Whether the processes stand still."""
        state = ROOT / "freezer" / self.path / "freezer.state"
        return state.exists() and state.read_text().strip() != "THAWED"

    def _freezer(self, wanted: str) -> None:
        state = ROOT / "freezer" / self.path / "freezer.state"
        deadline = time.monotonic() + 10
        state.write_text(wanted)
        while (seen := state.read_text().strip()) != wanted:
            if time.monotonic() > deadline:
                raise LabError(f"cgroup {self.path} is {seen} after 10 s, not {wanted}")
            time.sleep(0.02)
            state.write_text(wanted)

    def kill(self, *, deadline_seconds: float = 20.0) -> None:
        """SIGKILL everything inside until nothing is left.

        Raises:
            LabError: something still lives at the deadline; named by pid and program.
        """
        deadline = time.monotonic() + deadline_seconds
        while pids := self.pids():
            for folder in _walk(ROOT / "freezer" / self.path):
                (folder / "freezer.state").write_text("THAWED")
            if time.monotonic() > deadline:
                raise LabError(f"cgroup {self.path}: still there after SIGKILL: {', '.join(map(_describe, pids))}")
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def remove(self) -> None:
        """Remove the (empty) cgroup and what is below it from every controller.

        Raises:
            LabError: it still holds processes.
        """
        deadline = time.monotonic() + 5
        for folder in self.folders():
            while folder.exists():
                try:
                    for child in sorted(_walk(folder), reverse=True):
                        child.rmdir()
                except FileNotFoundError:
                    continue
                except OSError as error:
                    # A killed process leaves its cgroup a moment after it is gone.
                    if time.monotonic() > deadline:
                        raise LabError(f"cgroup {folder} can't be removed: {error.strerror}") from error
                    time.sleep(0.05)

    def memory_used_bytes(self) -> int:
        """Memory in use without the page cache that the kernel would give back."""
        folder = ROOT / "memory" / self.path
        try:
            used = int((folder / "memory.usage_in_bytes").read_text())
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except OSError:
            return 0
        return max(0, used - int(stat.get("total_inactive_file", 0)))


def _walk(folder: Path) -> list[Path]:
    """A cgroup's folder and those below it; what vanishes meanwhile is left out."""
    return [Path(path) for path, _, _ in os.walk(folder)]


def _pids_below(folder: Path) -> set[int]:
    found: set[int] = set()
    for level in _walk(folder):
        with contextlib.suppress(OSError):
            found.update(int(line) for line in (level / "cgroup.procs").read_text().split())
    return found - {0}


def _describe(pid: int) -> str:
    try:
        return f"{pid} ({Path(f'/proc/{pid}/comm').read_text().strip()})"
    except OSError:
        return str(pid)

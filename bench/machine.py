"""The machine a benchmark ran on, in words."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench.table import MEBIBYTE


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a part began and how busy the machine was then. ``load`` is the load average over one minute."""

    moment: str
    load: float

    @classmethod
    def now(cls) -> Conditions:
        """The conditions of this moment."""
        return cls(time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), os.getloadavg()[0])

    def sentence(self, end: Conditions) -> str:
        """What a reader of a table should know of its run."""
        return f"{self.moment}; {machine()}; load average {self.load:.1f} at the start, {end.load:.1f} at the end."


def machine() -> str:
    """Processor, memory, kernel, Python and the commit of the checkout."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / MEBIBYTE / 1024
    return (
        f"{os.cpu_count()} × {_processor()}, {memory:.0f} GiB, Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, commit {_commit()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "-c", "safe.directory=*", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"

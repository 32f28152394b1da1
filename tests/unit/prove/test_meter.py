"""Processor seconds of a part of a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prove.meter import ACCOUNTS, OWN, Part

BURN = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def usage(folder: Path, seconds: float) -> None:
    """A cgroup that has used so much."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpuacct.usage").write_text(str(int(seconds * 1e9)))
    (folder / "cgroup.procs").touch()


def test_seconds_of_hosts_count_from_the_beginning_and_when_they_are_gone(tmp_path: Path) -> None:
    usage(tmp_path / "greenfield-old", 50)
    usage(tmp_path / "not-ours", 10)
    part = Part(tmp_path)
    usage(tmp_path / "greenfield-old", 52)
    usage(tmp_path / "greenfield-new", 3)
    usage(tmp_path / "not-ours", 90)
    assert part.seconds() == pytest.approx(5)
    for name in ("cpuacct.usage", "cgroup.procs"):
        (tmp_path / "greenfield-new" / name).unlink()
    (tmp_path / "greenfield-new").rmdir()
    usage(tmp_path / "greenfield-old", 53)
    assert part.seconds() == pytest.approx(6)
    usage(tmp_path / "greenfield-new", 1)
    assert part.seconds() == pytest.approx(7), "booted anew"


def test_what_runs_beside_counts_no_labs(tmp_path: Path) -> None:
    part = Part(tmp_path, labs=False)
    usage(tmp_path / "greenfield-new", 3)
    assert part.seconds() == 0


def test_a_process_that_lived_for_a_moment_is_counted_and_nothing_is_left() -> None:
    """On the machine's own cgroups, in a process of its own: this one must stay where it is."""
    program = f"""
import subprocess, sys
from prove.meter import Part
part = Part()
subprocess.run([sys.executable, "-c", {BURN!r}])
print(part.seconds())
part.end()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)
    assert 0.3 <= float(done.stdout) < 10
    assert not [left for left in ACCOUNTS.glob(f"{OWN}*") if not (left / "cgroup.procs").read_text()]

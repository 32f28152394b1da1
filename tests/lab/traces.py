"""Finds what a lab left on the machine, by looking at the kernel and not at what the lab believes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from greenfield.lab.names import Names


def traces(site: str) -> list[str]:
    """Everything of a site's lab that is on this machine, each with its kind."""
    names = Names(site)
    prefix = f"greenfield-{site}-"
    found = [f"namespace {path.name}" for path in Path("/run/netns").glob(f"{prefix}*")]
    found += [f"mount {line}" for line in _lines("/proc/self/mountinfo") if f"{names.state}/" in line]
    loops = subprocess.run(["losetup", "--list", "--raw"], capture_output=True, text=True, check=True).stdout
    found += [f"loop {line}" for line in loops.splitlines() if f"{names.state}/" in line]
    found += [f"cgroup {path}" for path in Path("/sys/fs/cgroup").glob(f"*/{names.cgroup}")]
    found += [f"nspawn {path}" for path in Path("/run/systemd/nspawn").glob(f"*/{prefix}*")]
    found += [f"link {path.name}" for path in Path("/sys/class/net").glob(names.uplink)]
    found += [f"file {path}" for path in (names.state, names.state.with_name(f"{site}.lock")) if path.exists()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            groups = (process / "cgroup").read_text()
            dead = (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        # What is dead and waits for init to notice holds nothing any more.
        if dead:
            continue
        if f"/{names.cgroup}" in groups or f"{names.state}/" in words or f"/run/netns/{prefix}" in words:
            found.append(f"process {process.name} {words}")
    return found


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()

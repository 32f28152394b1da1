"""Each host has kernel settings of its own, and the machine's never move."""

from __future__ import annotations

import pytest
from waiting import Ssh, eventually

from greenfield.lab.kernel_view import MARKER, machine_values
from greenfield.lab.lab import Lab

PROVES = ("lab/kernel-view",)
ORDER = 50

THP = "/sys/kernel/mm/transparent_hugepage/enabled"


def test_what_a_host_sets_is_its_own(lab: Lab, ssh: Ssh, machine_before: dict[str, str]) -> None:
    wanted = {"vm.swappiness": "1", "vm.overcommit_memory": "1", "kernel.panic": "10", "fs.file-max": "123456"}
    script = " ".join(f"{key}={value}" for key, value in wanted.items())
    done = ssh("r1-h1", f"sudo /sbin/sysctl -w {script}")
    assert done.returncode == 0, done.stderr
    for key, value in wanted.items():
        assert ssh("r1-h1", f"/sbin/sysctl -n {key}").stdout.strip() == value
        assert lab.run("r2-h1", f"sysctl -n {key}").stdout.strip() == machine_before[key]
    assert machine_values() == machine_before


def test_huge_pages_read_as_the_kernel_shows_them(lab: Lab, machine_before: dict[str, str]) -> None:
    before = lab.run("r1-h1", f"cat {THP}").stdout.strip()
    assert before == machine_before["kernel/mm/transparent_hugepage/enabled"]
    assert lab.run("r1-h1", f"echo never > {THP}").returncode == 0
    assert lab.run("r1-h1", f"cat {THP}").stdout.strip() == "always madvise [never]"
    assert lab.run("r1-h1", f"echo sometimes > {THP}").returncode != 0
    assert lab.run("r1-h1", f"cat {THP}").stdout.strip() == "always madvise [never]"
    assert machine_values() == machine_before


def test_settings_on_disk_are_applied_at_boot_and_others_start_afresh(
    lab: Lab, ssh: Ssh, machine_before: dict[str, str]
) -> None:
    lab.run("r3-h1", "echo 'vm.max_map_count = 7' > /etc/sysctl.d/70-test.conf; sysctl -qw vm.swappiness=3")
    lab.run("r3-h1", f"echo 'w {THP} - - - - never' > /etc/tmpfiles.d/test.conf")
    lab.stop_host("r3-h1")
    lab.start_host("r3-h1")
    assert lab.run("r3-h1", "cat /proc/sys/vm/max_map_count").stdout == "7\n"
    assert lab.run("r3-h1", f"cat {THP}").stdout == "always madvise [never]\n"
    assert lab.run("r3-h1", "sysctl -n vm.swappiness").stdout.strip() == machine_before["vm.swappiness"]
    assert eventually(lambda: ssh("r3-h1", "systemctl is-system-running").stdout.strip() == "running")
    assert machine_values() == machine_before


@pytest.mark.parametrize("value", ["abc", ""])
def test_a_number_stays_a_number(lab: Lab, value: str) -> None:
    before = lab.run("r1-h1", "cat /proc/sys/vm/dirty_ratio").stdout
    assert lab.run("r1-h1", f"echo '{value}' > /proc/sys/vm/dirty_ratio").returncode != 0
    assert lab.run("r1-h1", "cat /proc/sys/vm/dirty_ratio").stdout == before


def test_the_marker_names_what_is_only_recorded(lab: Lab) -> None:
    listed = lab.run("r1-h1", f"cat {MARKER}").stdout.split()
    assert {"vm.swappiness", "kernel.panic", "fs.file-max", THP} <= set(listed)
    assert not [key for key in listed if key.startswith("net.ipv4.")]


def test_what_no_view_covers_cannot_be_written(lab: Lab, machine_before: dict[str, str]) -> None:
    done = lab.run("r1-h1", "echo 1 > /proc/sys/vm/laptop_mode")
    assert done.returncode != 0
    assert "Read-only" in done.stderr


def test_no_host_can_set_the_clock(lab: Lab, ssh: Ssh) -> None:
    # To what it shows already, so that a hole in the lab would do no harm.
    script = "python3 -c 'import time; time.clock_settime(time.CLOCK_REALTIME, time.time())'"
    assert "PermissionError" in lab.run("r1-h1", script).stderr
    assert "PermissionError" in ssh("r1-h1", f"sudo {script}").stderr


def test_own_network_settings_are_in_force_and_stay_inside(lab: Lab) -> None:
    assert lab.run("r1-h1", "sysctl -qw net.ipv4.tcp_syncookies=2; sysctl -n net.ipv4.tcp_syncookies").stdout == "2\n"
    assert lab.run("r2-h1", "sysctl -n net.ipv4.tcp_syncookies").stdout != "2\n"

"""What a bare lab host is: booted, reachable, bounded, with its disks."""

from __future__ import annotations

from pathlib import Path

import pytest
from waiting import Ssh, eventually

from greenfield.errors import LabError
from greenfield.lab.command import run
from greenfield.lab.lab import Lab

PROVES = ("lab/hosts",)
ORDER = 20

HOSTS = ("r1-h1", "r2-h1", "r3-h1")


@pytest.mark.parametrize("host", HOSTS)
def test_boots_with_nothing_failed(lab: Lab, host: str) -> None:
    assert lab.run(host, "systemctl is-system-running").stdout.strip() == "running"
    assert lab.run(host, "systemctl --failed --no-legend").stdout.strip() == ""
    assert lab.run(host, "hostname").stdout.strip() == host


@pytest.mark.parametrize("host", HOSTS)
def test_lets_the_site_user_in_by_pinned_key_and_to_root(lab: Lab, ssh: Ssh, host: str) -> None:
    done = ssh(host, "id -un; sudo -n id -u; hostname")
    assert done.stdout.split() == ["ops", "0", host], done.stderr


def test_pins_every_host_by_name_and_address(lab: Lab) -> None:
    lines = Path(lab.site.access.known_hosts).read_text().splitlines()
    assert [line.split()[0] for line in lines] == [
        f"{host.name},{host.name}.labtest.internal,{host.address}" for host in lab.site.hosts.values()
    ]
    assert len({line.split()[2] for line in lines}) == len(HOSTS)


def test_another_host_key_is_refused(lab: Lab, ssh: Ssh, tmp_path: Path) -> None:
    lines = [line.split() for line in Path(lab.site.access.known_hosts).read_text().splitlines()]
    wrong = tmp_path / "known_hosts"
    wrong.write_text(f"{lab.site.hosts['r1-h1'].address} {lines[1][1]} {lines[1][2]}\n")
    done = ssh("r1-h1", "true", known_hosts=str(wrong))
    assert done.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr


def test_memory_limit_is_in_force(lab: Lab, ssh: Ssh) -> None:
    fits, bursts = 100, 700
    script = "python3 -c 'b = bytearray({0} << 20); b[::4096] = b\"x\" * len(b[::4096]); print(len(b) >> 20)'"
    assert ssh("r2-h1", script.format(fits)).stdout.strip() == str(fits)
    over = ssh("r2-h1", script.format(bursts))
    assert over.returncode != 0
    assert over.stdout.strip() == ""
    assert lab.run("r2-h1", "systemctl is-system-running").stdout.strip() == "running"


def test_cpu_limit_is_set_from_the_hardware_class(lab: Lab) -> None:
    folder = Path("/sys/fs/cgroup/cpu") / lab.host("r1-h1").cgroup.path
    quota = int((folder / "cpu.cfs_quota_us").read_text())
    assert quota / int((folder / "cpu.cfs_period_us").read_text()) == lab.site.hardware["small"].cores


def test_disks_keep_their_identity_and_data_over_a_restart(lab: Lab) -> None:
    serial = lab.site.hosts["r3-h1"].serial
    data, log = (f"/dev/disk/by-id/test-{serial}-{name}" for name in ("data", "log"))
    sizes = lab.run("r3-h1", f"blockdev --getsize64 {data} {log}").stdout.split()
    assert sizes == [str(1 << 30), str(512 << 20)]
    device = next(disk for disk in lab.host("r3-h1").disks if disk.name == "data").attach()
    run(["mkfs.xfs", "-q", device])
    script = f"""set -e
        uuid=$(blkid -p -s UUID -o value {data}); test -n "$uuid"
        mkdir -p /data; echo "UUID=$uuid /data xfs defaults,noatime 0 2" >> /etc/fstab
        mount /data; findmnt -no SOURCE,UUID /data; echo kept > /data/note; sync"""
    done = lab.run("r3-h1", script)
    assert done.returncode == 0, done.stderr
    for end in (lab.stop_host, lab.kill_host):
        end("r3-h1")
        # Loop devices come and go; only the identity stays.
        lab.start_host("r3-h1")
        assert lab.run("r3-h1", "cat /data/note && mountpoint -q /data").stdout == "kept\n"
        assert lab.run("r3-h1", f"blockdev --getsize64 {data}").stdout.strip() == sizes[0]
        assert lab.run("r3-h1", "systemctl is-system-running").stdout.strip() == "running"


def test_reboot_from_inside_brings_the_host_back(lab: Lab, ssh: Ssh) -> None:
    before = ssh("r2-h1", "cat /proc/sys/kernel/random/boot_id; stat -c %Y /proc/1").stdout
    ssh("r2-h1", "sudo systemctl reboot")

    def back() -> bool:
        done = ssh("r2-h1", "cat /proc/sys/kernel/random/boot_id; stat -c %Y /proc/1")
        return done.returncode == 0 and done.stdout != before

    assert eventually(back, 30)
    assert eventually(lambda: lab.run("r2-h1", "systemctl is-system-running").stdout.strip() == "running")


def test_a_reset_host_is_a_new_machine(lab: Lab, ssh: Ssh) -> None:
    key = lab.run("r2-h1", "touch /etc/left; cat /etc/ssh/ssh_host_ed25519_key.pub").stdout
    lab.reset_host("r2-h1", keep_key=True)
    assert lab.run("r2-h1", "cat /etc/ssh/ssh_host_ed25519_key.pub").stdout == key
    assert lab.run("r2-h1", "test -e /etc/left").returncode == 1
    lab.reset_host("r2-h1")
    assert lab.run("r2-h1", "cat /etc/ssh/ssh_host_ed25519_key.pub").stdout != key
    assert ssh("r2-h1", "true").returncode == 0


def test_an_unknown_host_is_refused_with_the_known_ones(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"no host 'r9-h9'(?s:.*)r1-h1, r2-h1, r3-h1"):
        lab.run("r9-h9", "true")


def _status(pid: int, file: str) -> list[str]:
    """Lines of a file of ``/proc/PID``; none when the process is gone."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _alive(pid: int) -> bool:
    return any(line.startswith("State:") and "Z" not in line.split() for line in _status(pid, "status"))


def test_every_process_of_a_host_is_in_its_own_cgroups(lab: Lab) -> None:
    # Hosts that shared a systemd hierarchy would stop each other's services.
    for name, lab_host in lab.hosts.items():
        paths = {pid: [line.split(":", 2)[2] for line in _status(pid, "cgroup")] for pid in lab_host.cgroup.pids()}
        outside = {
            pid
            for pid, own in paths.items()
            if not all(f"{p}/".startswith(f"/greenfield-labtest/{name}/") for p in own)
        }
        assert len(paths) - len(outside) > 5, f"{name}: {paths}"
        # A process that ends is in the root of every hierarchy, says the kernel; and soon it is gone.
        assert eventually(lambda outside=outside: not any(map(_alive, outside))), f"{name}: {paths}"  # type: ignore[misc]

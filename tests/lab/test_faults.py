"""Each fault does what it says, and its undoing brings back what was."""

from __future__ import annotations

import socket
import time

import pytest
from waiting import eventually

from greenfield.errors import LabError
from greenfield.lab.command import run
from greenfield.lab.lab import Lab

PROVES = ("lab/faults",)
ORDER = 40


def answers(address: str, timeout_seconds: float = 1.0) -> bool:
    """Whether an SSH server greets."""
    try:
        with socket.create_connection((address, 22), timeout=timeout_seconds) as connection:
            connection.settimeout(timeout_seconds)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def state(lab: Lab, host: str) -> str:
    return next(status.state for status in lab.status() if status.name == host)


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_a_host_without_power_comes_back_with_its_files(healed: Lab, way: str) -> None:
    address = healed.site.hosts["r1-h1"].address
    healed.run("r1-h1", f"echo {way} > /root/note; sync")
    fault = healed.stop_host("r1-h1") if way == "stop" else healed.kill_host("r1-h1")
    assert state(healed, "r1-h1") == "stopped"
    assert not answers(address)
    with pytest.raises(LabError, match="r1-h1 does not run"):
        healed.run("r1-h1", "true")
    assert healed.clear([fault.id]) == [fault]
    assert healed.run("r1-h1", "cat /root/note").stdout == f"{way}\n"
    assert eventually(lambda: answers(address))


def test_a_frozen_host_hangs_and_goes_on_where_it_was(healed: Lab) -> None:
    address = healed.site.hosts["r1-h1"].address
    boot = healed.host("r1-h1").cgroup.init_pid()
    fault = healed.freeze_host("r1-h1")
    assert state(healed, "r1-h1") == "frozen"
    assert not answers(address)
    healed.clear([fault.id])
    assert answers(address, 5)
    assert healed.host("r1-h1").cgroup.init_pid() == boot


def test_a_cut_host_is_alone(healed: Lab) -> None:
    addresses = {name: host.address for name, host in healed.site.hosts.items()}
    fault = healed.cut("r2-h1")
    assert not answers(addresses["r2-h1"])
    assert answers(addresses["r1-h1"])
    assert "NO-CARRIER" in healed.run("r2-h1", "ip link show eth0").stdout
    healed.kill_host("r2-h1")
    healed.start_host("r2-h1")
    assert not answers(addresses["r2-h1"]), "a restart does not mend a cable"
    healed.clear([fault.id])
    assert eventually(lambda: answers(addresses["r2-h1"]))


def test_a_cut_rack_is_alone(healed: Lab) -> None:
    addresses = {name: host.address for name, host in healed.site.hosts.items()}
    fault = healed.cut("r3")
    assert not answers(addresses["r3-h1"])
    assert answers(addresses["r2-h1"])
    assert healed.status()[2].faults == ("cut r3 (rack)",)
    healed.clear([fault.id])
    assert eventually(lambda: answers(addresses["r3-h1"]))


def test_a_delayed_host_is_far_away(healed: Lab) -> None:
    address = healed.site.hosts["r2-h1"].address

    def handshake_seconds() -> float:
        began = time.monotonic()
        socket.create_connection((address, 22), timeout=10).close()
        return time.monotonic() - began

    handshake_seconds()
    near = min(handshake_seconds() for _ in range(3))
    fault = healed.delay("r2-h1", 40)
    handshake_seconds()
    assert 0.08 <= min(handshake_seconds() for _ in range(3)) < 0.2
    assert answers(address, 5), "data is carried, not only the handshake"
    healed.clear([fault.id])
    assert min(handshake_seconds() for _ in range(3)) < near + 0.03


def test_a_filled_disk_takes_nothing_more(healed: Lab) -> None:
    with pytest.raises(LabError, match="is not a mounted disk"):
        healed.fill("r2-h1", "/data/log")
    assert healed.faults() == []
    device = next(disk for disk in healed.host("r2-h1").disks if disk.name == "log").attach()
    run(["mkfs.xfs", "-q", "-f", device])
    assert healed.run("r2-h1", f"mkdir -p /data/log && mount {device} /data/log").returncode == 0
    fault = healed.fill("r2-h1", "log")
    done = healed.run("r2-h1", "dd if=/dev/zero of=/data/log/more bs=64k count=1")
    assert "No space left on device" in done.stderr
    healed.clear([fault.id])
    assert healed.run("r2-h1", "dd if=/dev/zero of=/data/log/more bs=64k count=1").returncode == 0


def test_clearing_what_does_not_stand_is_refused(healed: Lab) -> None:
    healed.cut("r1-h1")
    with pytest.raises(LabError, match=r"no fault f99 stands(?s:.*)standing: f"):
        healed.clear(["f99"])
    assert len(healed.faults()) == 1

"""Racks are routed subnets; hosts reach each other, the mirror and the workstation, and nothing else."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address

import pytest
from waiting import Ssh

from greenfield.artifacts.place import mirror_dir
from greenfield.lab.lab import Lab

PROVES = ("lab/network",)
ORDER = 30

CONNECT = 'python3 -c \'import socket; socket.create_connection(("{0}", {1}), 3).close(); print("through")\''


@pytest.mark.parametrize(("near", "far"), [("r1-h1", "r2-h1"), ("r2-h1", "r3-h1"), ("r3-h1", "r1-h1")])
def test_racks_reach_each_other(lab: Lab, near: str, far: str) -> None:
    done = lab.run(near, CONNECT.format(lab.site.hosts[far].address, 22))
    assert done.stdout == "through\n", done.stderr


def test_the_workstation_is_at_the_first_address(lab: Lab) -> None:
    with socket.create_server(("10.78.0.1", 0)) as server:
        done = lab.run("r2-h1", CONNECT.format("10.78.0.1", server.getsockname()[1]))
    assert done.stdout == "through\n", done.stderr


def test_no_host_has_a_way_out(lab: Lab) -> None:
    assert lab.run("r1-h1", "ip -4 route show default; ip -6 route show default").stdout == ""
    own = [a for a in socket.gethostbyname_ex(socket.gethostname())[2] if not a.startswith("127.")]
    for address in ("192.0.2.1", "198.51.100.1", "10.77.1.11", *own):
        done = lab.run("r1-h1", CONNECT.format(address, 22))
        assert "Network is unreachable" in done.stderr, address
    assert lab.fabric.spine.ip("route", "show", "default") == ""


def test_a_default_route_made_by_hand_leads_nowhere(lab: Lab) -> None:
    lab.run("r1-h1", "ip route add default via 10.78.1.1")
    try:
        for address in ("192.0.2.1", "198.51.100.1"):
            done = lab.run("r1-h1", CONNECT.format(address, 22))
            assert "through" not in done.stdout
            assert "unreachable" in done.stderr or "timed out" in done.stderr, address
    finally:
        lab.run("r1-h1", "ip route del default")


def test_the_mirror_is_served(lab: Lab) -> None:
    root = mirror_dir("labtest") / "files"
    root.mkdir(parents=True, exist_ok=True)
    probe = root / "probe.txt"
    probe.write_text("from the mirror\n")
    try:
        url = f"{lab.site.mirror.url}/files/probe.txt"
        script = f"import urllib.request as r; print(r.urlopen('{url}').read().decode())"
        assert "from the mirror" in lab.run("r3-h1", ["python3", "-c", script]).stdout
    finally:
        probe.unlink()


def test_the_time_server_answers(lab: Lab) -> None:
    script = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5);"
        "s.sendto(b'\\x23' + 47 * b'\\0', ('10.78.0.2', 123)); print(s.recv(48).hex())"
    )
    answer = bytes.fromhex(lab.run("r1-h1", ["python3", "-c", script]).stdout.strip())
    assert answer[0] & 7 == 4, "mode server"
    assert 1 <= answer[1] <= 15, "a stratum that a client follows"
    assert struct.unpack("!I", answer[40:44])[0] > 0


def test_hosts_carry_the_addresses_of_the_inventory(lab: Lab, ssh: Ssh) -> None:
    for host in lab.site.hosts.values():
        shown = ssh(host.name, "ip -br -4 address show eth0; cat /sys/class/net/eth0/address").stdout
        assert f"{IPv4Address(host.address)}/24" in shown
        assert host.mac in shown

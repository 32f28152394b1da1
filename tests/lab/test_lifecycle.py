"""Up is idempotent and mends; down leaves nothing, whatever it finds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_site import small_site
from traces import traces

from greenfield.errors import LabError
from greenfield.lab.kernel_server import KernelServer
from greenfield.lab.lab import Lab
from greenfield.lab.namespace import Namespace
from greenfield.model.site import Site

PROVES = ("lab/lifecycle",)
ORDER = 10

UP = "import sys; from pathlib import Path; from greenfield.spec import load; from greenfield.lab.lab import Lab; \
Lab(load([Path(sys.argv[1])]).sites['labdown']).up()"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A second site beside the lab of the other tests, with nothing up."""
    site = small_site(tmp_path, "labdown", 78, 32, 2)
    Lab(site).down()
    yield site
    Lab(site).down()
    assert traces("labdown") == []


def test_a_second_up_changes_nothing_and_is_quick(lab: Lab) -> None:
    before = [lab.host(name).cgroup.pids() for name in lab.hosts]
    links = lab.fabric.spine.links()
    keys = Path(lab.site.access.known_hosts).stat().st_mtime_ns
    began = time.monotonic()
    lab.up()
    assert time.monotonic() - began < 5
    assert [lab.host(name).cgroup.init_pid() in pids for name, pids in zip(lab.hosts, before, strict=True)] == [
        True
    ] * 3
    assert {name: link["ifindex"] for name, link in lab.fabric.spine.links().items()} == {
        name: link["ifindex"] for name, link in links.items()
    }
    assert Path(lab.site.access.known_hosts).stat().st_mtime_ns == keys


def test_up_mends_what_is_missing(lab: Lab) -> None:
    lab.host("r1-h1").kill()
    lab.fabric.spine.delete_link(lab.fabric.port("r2-h1"))
    lab.services.cgroup.kill()
    KernelServer(lab.names).cgroup.kill()
    lab.cut("r3")
    lab.up()
    assert [status.state for status in lab.status()] == ["running"] * 3
    assert lab.services.alive("nginx")
    assert lab.faults() == []
    for host in lab.hosts:
        assert lab.run(host, "sysctl -qw vm.swappiness=9; cat /proc/sys/vm/swappiness").stdout == "9\n"
        assert (
            lab.run(host, "python3 -c 'import socket; socket.create_connection((\"10.78.0.2\", 8080), 5)'").returncode
            == 0
        )


def test_two_labs_stand_side_by_side_and_down_takes_only_its_own(lab: Lab, site: Site) -> None:
    before = sorted(traces("labtest"))
    second = Lab(site)
    second.up()
    assert second.run("r1-h1", "hostname").stdout == "r1-h1\n"
    assert second.host("r1-h1").cgroup.init_pid() != lab.host("r1-h1").cgroup.init_pid()
    second.down()
    assert traces("labdown") == []
    assert [t for t in before if not t.startswith("process")] == [
        t for t in sorted(traces("labtest")) if not t.startswith("process")
    ]
    assert [status.state for status in lab.status()] == ["running"] * 3


def test_down_after_everything_was_killed(site: Site) -> None:
    lab = Lab(site)
    lab.up()
    lab.delay("r1-h1", 5)
    lab.freeze_host("r2-h1")
    lab.host("r1-h1").cgroup.kill()
    lab.services.cgroup.kill()
    Namespace(lab.names.namespace("r1-h1")).remove()
    Namespace(lab.names.namespace("half-made")).path.touch()
    (lab.names.state / "namespaces").open("a").write("\n" + lab.names.namespace("half-made"))
    subprocess.run(["umount", str(lab.host("r1-h1").root)], check=True)
    lab.down()
    assert traces("labdown") == []
    assert Path(site.access.identity_file).exists()
    assert Path(site.access.known_hosts).read_text() == ""
    lab.down()


@pytest.mark.parametrize("after_seconds", [0.4, 0.8, 1.6])
def test_a_killed_up_is_finished_by_the_next_or_removed(site: Site, tmp_path: Path, after_seconds: float) -> None:
    process = subprocess.Popen([sys.executable, "-c", UP, str(tmp_path)], start_new_session=True)
    time.sleep(after_seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    lab = Lab(site)
    if after_seconds == 0.8:
        lab.up()
        assert [status.state for status in lab.status()] == ["running"] * 2
    lab.down()
    assert traces("labdown") == []


def test_a_host_that_left_the_site_leaves_the_lab(site: Site, tmp_path: Path) -> None:
    Lab(site).up()
    (tmp_path / "less").mkdir()
    smaller = Lab(small_site(tmp_path / "less", "labdown", 78, 32, 1))
    smaller.up()
    assert not [trace for trace in traces("labdown") if "r2-h1" in trace]
    assert smaller.run("r1-h1", "hostname").stdout == "r1-h1\n"


def test_a_range_in_use_is_refused_before_anything_is_made(lab: Lab, tmp_path: Path) -> None:
    twin = Lab(small_site(tmp_path, "labtwin", 78, 0, 1))
    with pytest.raises(LabError, match=r"10\.78\.0\.0/20 of site labtwin overlaps the route to 10\.78"):
        twin.up()
    assert traces("labtwin") == []


def test_what_is_not_up_can_not_be_broken(site: Site) -> None:
    lab = Lab(site)
    for change in (lambda: lab.cut("r1"), lambda: lab.start_host("r1-h1"), lambda: lab.reset_host("r1-h1")):
        with pytest.raises(LabError, match=r"lab labdown is not up(?s:.*)greenfield lab up"):
            change()
    assert {status.state for status in lab.status()} == {"absent"}
    assert traces("labdown") == []


def test_a_host_that_can_not_start_is_named_soon(site: Site) -> None:
    lab = Lab(site)
    lab.up()
    lab.stop_host("r2-h1")
    (lab.host("r2-h1").root / "usr/lib/systemd/systemd").unlink()
    began = time.monotonic()
    with pytest.raises(LabError, match=r"host r2-h1 did not boot in \d+ s; last seen: .*; its console: ."):
        lab.start_host("r2-h1")
    assert time.monotonic() - began < 40
    assert lab.run("r1-h1", "true").returncode == 0

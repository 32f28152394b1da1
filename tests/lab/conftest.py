"""A lab of three racks with a host each, up once for all tests, and gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from small_site import small_site
from traces import traces
from waiting import Ssh

from greenfield.lab.kernel_view import machine_values
from greenfield.lab.lab import Lab

SEAT = {"memory_gib": 3, "inotify": 60, "setup_seconds": 30}
"""What the runner has to know of it (prove/event.py)."""


@pytest.fixture(scope="session")
def machine_before() -> dict[str, str]:
    """The machine's kernel settings before any lab of these tests."""
    return machine_values()


_UP: list[Lab] = []

KEEP = bool(os.environ.get("GREENFIELD_KEEP_LAB"))
"""Leave the lab as it is where a test failed, for a look; the next session begins with a new one."""


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The lab goes with the last test of this folder, for the labs that come after (docs/lab.md, "Kernel")."""
    if (
        _UP
        and not (KEEP and item.session.testsfailed)
        and (nextitem is None or nextitem.path.parent != item.path.parent)
    ):
        _UP.pop().down()


@pytest.fixture(scope="session")
def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, machine_before: dict[str, str]
) -> Iterator[Lab]:
    """The lab ``labtest``, up."""
    lab = Lab(small_site(tmp_path_factory.mktemp("labtest"), "labtest", 78, 0, 3))
    lab.down()
    lab.up()
    _UP.append(lab)
    yield lab
    if KEEP and request.session.testsfailed:
        return
    lab.down()
    assert traces("labtest") == []
    assert machine_values() == machine_before


@pytest.fixture
def healed(lab: Lab) -> Iterator[Lab]:
    """The lab, with every fault of the test undone afterwards."""
    yield lab
    lab.clear()
    assert lab.faults() == []


@pytest.fixture(scope="session")
def ssh(lab: Lab) -> Ssh:
    """Runs a command on a host over SSH with the site's own key and pinned host keys, and nothing else."""

    def over_ssh(host: str, command: str, *, known_hosts: str = "") -> subprocess.CompletedProcess[str]:
        access = lab.site.access
        options = {
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": known_hosts or access.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": "3",
        }
        argv = ["ssh", "-F", "/dev/null", "-i", access.identity_file]
        argv += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        argv += [f"{access.user}@{lab.site.hosts[host].address}", command]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    return over_ssh

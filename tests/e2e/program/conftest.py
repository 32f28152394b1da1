"""A user's own program of ten lines, with the wheel in place of the checkout, on three hosts with an etcd."""

from __future__ import annotations

import os

import pytest
from example import keep_engine, write_example
from program_seat import NETWORK, SITE, Installed, Program, installed, wheel, write_program
from seat import seat

from greenfield.lab.lab import Lab
from greenfield.spec import load

__all__ = ["installed", "wheel"]

SEAT = {
    "engines": {"etcd": "3.6"},
    "alone": False,
    "inotify": 14,
    "memory_gib": 2,
    "tools": [],
    "reads": ["examples/lab"],
    "setup_seconds": 60,
}


@pytest.fixture(scope="session")
def program(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Three bare hosts and their synced mirror."""
    folder = tmp_path_factory.mktemp("program") / "cluster"
    write_example(folder, SITE, NETWORK)
    keep_engine(folder, "config-store")
    write_program(folder, "ten-lines")
    seat.begin(folder.parent / "mirror")
    lab = Lab(load([folder]).sites[SITE])
    made = Program(installed, folder, lab)
    lab.down()
    seat.stand(lab)
    # The workstation's own Go builds etcd, where an earlier sync has not.
    path = f"{installed.environment()['PATH']}:{os.environ['PATH']}"
    made.run(str(installed.python.parent / "greenfield"), "mirror", "sync", ".", PATH=path)
    lab.up()
    made.run("pulumi", "stack", "init", SITE)
    return made

"""The wheel, installed apart from the checkout, delivers a cluster with ten lines of the user's own."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from example import REPO, keep_engine, write_example

from greenfield.lab.lab import Lab
from greenfield.spec import load

sys.path.insert(0, str(REPO / "tests" / "wheel"))

from installed import Installed, installed, wheel, write_program

__all__ = ["installed", "wheel"]

SITE, NETWORK = "wheel", 81
ETCDCTL = "/usr/local/bin/etcdctl-config-store"


@dataclass(frozen=True, slots=True)
class Program:
    """A folder with a spec and the ten lines, the environment that runs them, and the lab under them."""

    installed: Installed
    folder: Path
    lab: Lab

    def run(self, *command: str, **environment: str) -> str:
        """Run a command in the folder; it must succeed."""
        mirror = str(self.folder.parent / "mirror")
        more = {"GREENFIELD_MIRROR_DIR": mirror, **environment}
        result = self.installed.run(*command, folder=self.folder, timeout=600, **more)
        assert result.returncode == 0, result.stdout[-6000:]
        return result.stdout


@pytest.fixture(scope="module")
def program(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Three bare hosts and their synced mirror."""
    folder = tmp_path_factory.mktemp("program") / "cluster"
    write_example(folder, SITE, NETWORK)
    keep_engine(folder, "config-store")
    write_program(folder, "ten-lines")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENFIELD_MIRROR_DIR", str(folder.parent / "mirror"))
        lab = Lab(load([folder]).sites[SITE])
        made = Program(installed, folder, lab)
        lab.down()
        # The workstation's own Go builds etcd, where an earlier sync has not.
        path = f"{installed.environment()['PATH']}:{os.environ['PATH']}"
        made.run(str(installed.python.parent / "greenfield"), "mirror", "sync", ".", PATH=path)
        lab.up()
        made.run("pulumi", "stack", "init", SITE)
        yield made
        lab.down()


def _etcdctl(program: Program, host: str, words: str) -> str:
    done = program.lab.run(host, f"{ETCDCTL} {words}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_preview_shows_what_would_be_made(program: Program) -> None:
    said = program.run("pulumi", "preview", "--non-interactive")
    assert re.search(r"greenfield:index:Cell orders-config-store-r1 create", said), said
    assert re.search(r"\+ \d+ to create", said), said


def test_up_delivers_an_engine_that_keeps_what_is_written(program: Program) -> None:
    said = program.run("pulumi", "up", "--yes", "--non-interactive", "--skip-preview")
    assert re.search(r"\+ \d+ created", said), said[-3000:]
    assert len(_etcdctl(program, "r1-h1", "member list").splitlines()) == 3
    _etcdctl(program, "r1-h1", "put from-the-wheel yes")
    assert "yes" in _etcdctl(program, "r3-h1", "get from-the-wheel")


def test_its_outputs_say_how_to_use_the_cluster(program: Program) -> None:
    outputs = json.loads(program.run("pulumi", "stack", "output", "--json"))
    assert sorted(outputs["endpoints"]["config-store"]) == [f"10.{NETWORK}.{rack}.11:2379" for rack in (1, 2, 3)]
    assert outputs["certificates"]["config-store"].startswith("-----BEGIN CERTIFICATE")


def test_a_second_run_changes_nothing(program: Program) -> None:
    said = program.run("pulumi", "up", "--yes", "--non-interactive")
    assert re.search(r"\d+ unchanged", said), said[-3000:]
    assert not re.search(r"\d+ (created|updated|replaced|deleted)", said), said[-3000:]
    assert "yes" in _etcdctl(program, "r2-h1", "get from-the-wheel")

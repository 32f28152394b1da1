"""The wheel, installed apart from the checkout, delivers with ten lines.

It runs last: its stack makes new certificates and passwords.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery import REPO, Delivery

sys.path.insert(0, str(REPO / "tests" / "wheel"))

from installed import Installed, build, install, write_program

ETCDCTL = "/usr/local/bin/etcdctl-config-store"


@pytest.fixture(scope="module")
def program(delivery: Delivery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installed, Path]]:
    """Greenfield from its wheel, and a folder with the delivered spec and the ten lines."""
    installed = install(build(tmp_path_factory.mktemp("dist")), tmp_path_factory.mktemp("installed"))
    folder = tmp_path_factory.mktemp("program")
    delivery.restore_spec()
    shutil.copytree(delivery.spec, folder, dirs_exist_ok=True)
    write_program(folder, "ten-lines")
    made = installed.run("pulumi", "stack", "init", "e2e", folder=folder)
    assert made.returncode == 0, made.stdout
    yield installed, folder


def _up(delivery: Delivery, program: tuple[Installed, Path], *arguments: str) -> str:
    installed, folder = program
    mirror = delivery.environment["GREENFIELD_MIRROR_DIR"]
    command = ("pulumi", "up", "--yes", "--non-interactive", *arguments)
    result = installed.run(*command, folder=folder, timeout=900, GREENFIELD_MIRROR_DIR=mirror)
    assert result.returncode == 0, result.stdout[-6000:]
    return result.stdout


def test_a_new_stack_takes_over_what_stands_and_loses_nothing(
    delivery: Delivery, program: tuple[Installed, Path]
) -> None:
    """Creates are idempotent: the same cluster, the same data, with the new stack's certificates and passwords."""
    lab = delivery.lab
    assert delivery.up().returncode == 0
    assert lab.run("r1-h1", f"{ETCDCTL} put before-the-wheel yes").returncode == 0
    before = re.search(r'"cluster_id":(\d+)', lab.run("r1-h1", f"{ETCDCTL} endpoint status -w json").stdout)
    assert before
    said = _up(delivery, program, "--skip-preview")
    assert re.search(r"\+ \d+ created", said), said[-3000:]
    after = lab.run("r1-h1", f"{ETCDCTL} endpoint status -w json").stdout
    assert f'"cluster_id":{before[1]}' in after
    assert "yes" in lab.run("r1-h1", f"{ETCDCTL} get before-the-wheel").stdout


def test_its_outputs_say_how_to_use_the_cluster(delivery: Delivery, program: tuple[Installed, Path]) -> None:
    installed, folder = program
    shown = installed.run("pulumi", "stack", "output", "--json", folder=folder)
    outputs = json.loads(shown.stdout)
    assert len(outputs["endpoints"]["config-store"]) == 3
    assert len(outputs["endpoints"]["sessions"]) == 6
    assert outputs["certificate"].startswith("-----BEGIN CERTIFICATE")
    assert outputs["passwords"] == "[secret]"


def test_a_second_run_changes_nothing(delivery: Delivery, program: tuple[Installed, Path]) -> None:
    logins = delivery.logins()
    said = _up(delivery, program)
    assert re.search(r"\d+ unchanged", said), said[-3000:]
    assert not re.search(r"\d+ (created|updated|replaced|deleted)", said), said[-3000:]
    assert delivery.logins() == logins


def test_the_wheels_own_suites_accept_it(delivery: Delivery, program: tuple[Installed, Path]) -> None:
    installed, folder = program
    tool = str(installed.python.parent / "greenfield")
    mirror = delivery.environment["GREENFIELD_MIRROR_DIR"]
    result = installed.run(tool, "verify", ".", "--only", "r1-h1", folder=folder, GREENFIELD_MIRROR_DIR=mirror)
    assert result.returncode == 0, result.stdout[-4000:]
    assert "ACCEPTED" in result.stdout

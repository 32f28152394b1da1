"""The wheel, installed apart from the checkout, delivers a cluster with ten lines of the user's own."""

from __future__ import annotations

import json
import re

from patience import patience
from program_seat import NETWORK, Program

PROVES = ("program/deliver",)
ORDER = 20

ETCDCTL = "/usr/local/bin/etcdctl-config-store"


def _etcdctl(program: Program, host: str, words: str) -> str:
    done = program.lab.run(host, f"{ETCDCTL} {words}", timeout_seconds=patience(60))
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

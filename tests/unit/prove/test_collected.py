"""No check is lost: every test of 8bb8404 is still run by ``make test`` or ``make prove``, or has a named successor."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

from prove import REPO
from prove.aside import plain_modules
from prove.event import discover

BEFORE = REPO / "tests" / "ids_of_8bb8404.txt"
SUCCESSORS = REPO / "tests" / "successors.json"
"""Old id → the id of the test that makes the same check now."""


@cache
def _collected() -> frozenset[str]:
    folders = sorted({*plain_modules(), *(event.seat.folder for event in discover())})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", *folders, "tests/e2e"],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return frozenset(line for line in done.stdout.splitlines() if "::" in line)


def test_each_test_of_before_is_run_or_has_a_successor() -> None:
    collected, successors = _collected(), json.loads(SUCCESSORS.read_text())
    lost = [
        each
        for each in BEFORE.read_text().splitlines()
        if each not in collected and successors.get(each) not in collected
    ]
    assert lost == []


def test_successors_take_the_place_of_tests_that_are_gone() -> None:
    collected, before = _collected(), set(BEFORE.read_text().splitlines())
    for old, new in json.loads(SUCCESSORS.read_text()).items():
        assert old in before
        assert old not in collected
        assert new in collected


def test_each_collected_test_is_run_by_somebody() -> None:
    events = {event.module for event in discover()}
    plain = tuple(f"{folder}/" for folder in plain_modules())
    assert [each for each in _collected() if not each.startswith(plain) and each.split("::")[0] not in events] == []

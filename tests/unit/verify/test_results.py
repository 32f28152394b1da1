"""The verdict over a run and its exit code."""

from __future__ import annotations

import json

import pytest
from results_shape import EXPIRED, PROBE, VALID, check, control, run

from greenfield.verify.results import from_json


@pytest.mark.parametrize(
    ("checks", "verdict", "code"),
    [
        ([check()], "accepted", 0),
        ([check(), check("failed", waiver=VALID)], "accepted", 0),
        ([check(), check("error", waiver=VALID)], "accepted", 0),
        ([check(), check("failed")], "not accepted", 1),
        ([check(), check("failed", waiver=EXPIRED)], "not accepted", 1),
        ([check("error"), check("failed")], "not accepted", 1),
        ([check(), check("error")], "not judged", 2),
        ([check(), check("error", waiver=EXPIRED)], "not judged", 2),
        ([], "not judged", 2),
    ],
)
def test_verdict_and_exit_code(checks: list, verdict: str, code: int) -> None:
    found = run(*checks)
    assert (found.verdict, found.exit_code) == (verdict, code)


def test_worst_outcome_of_a_host_counts() -> None:
    found = run(check(), check("failed"), check(target="r1-h2"))
    assert found.host_status() == {"r1-h1": "failed", "r1-h2": "passed"}


def test_a_host_without_checks_is_not_judged() -> None:
    assert run(check()).host_status()["r1-h2"] == "error"


def test_engine_status_is_that_of_its_controls() -> None:
    etcd = control("ETCD-001", "etcd", "engine")
    assert run(check("failed", of=etcd, target="config-store")).engine_status() == {"config-store": "failed"}


def test_json_reads_back_the_same() -> None:
    found = run(check(), check("failed", waiver=VALID, figures={"failover_seconds": 0.9}), probes=(PROBE,))
    assert from_json(json.loads(json.dumps(found.to_json()))) == found

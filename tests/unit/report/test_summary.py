"""A run in a few lines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from results_shape import IDENTITY, VALID, check, control, run

from greenfield.report.figures import duration, figure, size
from greenfield.report.summary import asked, groups, obstacles, tally, verdict_word
from greenfield.verify.availability import Availability

FAILOVER = {"failover_seconds": 0.9, "lost_writes": 0, "acknowledged_writes": 18204}
RESTORE = {"restore_seconds": 6.0, "rto_seconds": 1800}


def test_groups_are_hosts_each_engine_and_drills() -> None:
    found = groups(
        run(
            check(),
            check(target="r1-h2"),
            check("failed", waiver=VALID, target="r1-h2", of=control("HOST-002")),
            check(of=control("ETCD-006", "etcd", "engine"), target="config-store", figures=FAILOVER),
            check(of=control("RST-001", "restore", "engine"), target="config-store", figures=RESTORE),
        )
    )
    assert [(group.title, group.scale, group.counts, group.highlights) for group in found] == [
        (
            "host baseline",
            "2 controls × 2 hosts",
            "2 passed, 1 waived (HOST-002 until 2027-01-31: the lab shares one kernel)",
            "",
        ),
        ("config-store (etcd)", "1 control", "1 passed", "failover 0.9 s, 0 of 18,204 acknowledged writes lost"),
        ("restore drills", "1 engine", "1 passed", "config-store 6 s (RTO 30 min)"),
    ]


def test_tally_counts_what_matters() -> None:
    assert tally(run(check(), check("failed"), check("error"), check("failed", waiver=VALID))) == (
        "4 checks, 1 failed, 1 not judged, 1 waiver, 41 s"
    )


def test_what_does_not_apply_is_told_with_its_reason() -> None:
    aside = check("inapplicable", of=control("HOST-002"), message="the spec gives k8s no workers")
    (group,) = groups(run(check(), aside))
    assert group.counts == "1 passed, 1 not applicable (the spec gives k8s no workers)"
    assert group.outcome == "passed"
    assert tally(run(check(), aside)) == "2 checks, 1 not applicable, 41 s"


def test_a_selection_is_never_called_accepted() -> None:
    part = replace(IDENTITY, selection=("host",))
    assert verdict_word(run(check())) == "ACCEPTED"
    assert verdict_word(run(check(), identity=part)) == "PASSED IN PART"
    assert verdict_word(run(check("failed"), identity=part)) == "FAILED IN PART"


def test_obstacles_are_gathered_by_control() -> None:
    found = obstacles(run(check("failed"), check("failed", target="r1-h2"), check("error"), check()))
    assert {key: len(checks) for key, checks in found.items()} == {
        ("HOST-001", "failed"): 2,
        ("HOST-001", "error"): 1,
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.0021, "2.1 ms"),
        (0.9, "0.9 s"),
        (41.2, "41 s"),
        (1800, "30 min"),
        (3600, "1 h"),
        (1209600, "14 d"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_figures_tell_their_unit_by_their_name() -> None:
    assert figure("commit_p99_seconds", 0.0123) == ("commit p99", "12 ms")
    assert figure("snapshot_bytes", 872448) == ("snapshot", "852 KiB")
    assert figure("quota_used_ratio", 0.0125) == ("quota used", "1.2%")
    assert figure("lost_writes", 0) == ("lost writes", "0")
    assert size(3 * 2**30) == "3 GiB"


PROBE = Availability("names", "http://10.96.0.1/", "r1-h2", 0.2, 1.0, asked=3412, seconds=683.4)


def test_a_probe_in_a_line() -> None:
    assert asked(PROBE) == "asked 3,412 · failed 0 · longest gap 0.0 s · 11 m 23 s"
    silent = replace(PROBE, failed=1, longest_gap_seconds=7.24, seconds=7385.0, unobserved_seconds=2.5)
    assert asked(silent) == ("asked 3,412 · failed 1 (0.03 %) · longest gap 7.2 s · 2 h 3 m · 2.5 s of it unobserved")

"""Waivers: who they cover, until when, and what they do to an outcome."""

from __future__ import annotations

from datetime import date

import pytest
from results_shape import EXPIRED, VALID, check

from greenfield.model.cluster import Waiver
from greenfield.verify.judge import waiver_for

TODAY = date(2026, 11, 21)


def waiver(until: date, *hosts: str) -> Waiver:
    return Waiver("HOST-013", "platform", "shared kernel", until, hosts)


def test_waiver_counts_through_its_last_day() -> None:
    assert not waiver_for([waiver(TODAY)], "HOST-013", ["r1-h1"], TODAY).expired
    assert waiver_for([waiver(date(2026, 11, 20))], "HOST-013", ["r1-h1"], TODAY).expired


def test_waiver_is_of_one_control() -> None:
    assert waiver_for([waiver(TODAY)], "HOST-014", ["r1-h1"], TODAY) is None


def test_waiver_that_names_hosts_covers_only_them() -> None:
    waivers = [waiver(TODAY, "r1-h1", "r1-h2")]
    assert waiver_for(waivers, "HOST-013", ["r1-h1"], TODAY) is not None
    assert waiver_for(waivers, "HOST-013", ["r2-h1"], TODAY) is None
    assert waiver_for(waivers, "HOST-013", ["r1-h1", "r2-h1"], TODAY) is None


def test_waiver_that_still_counts_beats_an_expired_one() -> None:
    found = waiver_for([waiver(date(2026, 1, 1)), waiver(date(2027, 1, 1))], "HOST-013", ["r1-h1"], TODAY)
    assert (found.until, found.expired) == (date(2027, 1, 1), False)


@pytest.mark.parametrize("outcome", ["failed", "error"])
def test_valid_waiver_turns_what_is_not_met_into_waived(outcome: str) -> None:
    judged = check(outcome, waiver=VALID)
    assert (judged.outcome, judged.found) == ("waived", outcome)


def test_expired_waiver_changes_nothing_and_is_told() -> None:
    judged = check("failed", waiver=EXPIRED)
    assert judged.outcome == "failed"
    assert "waiver of platform expired on 2026-01-31" in judged.message


def test_a_pass_needs_no_waiver() -> None:
    assert check("passed", waiver=VALID).outcome == "passed"

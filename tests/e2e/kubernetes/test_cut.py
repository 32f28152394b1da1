"""A node that can't reach the API for minutes."""

from __future__ import annotations

import time

import pytest
from delivery import Delivery, Figure
from kubernetes_life import assert_nothing_to_do, nodes
from patience import wait_until
from probed_service import LONGEST_GAP_SECONDS, Prober, assert_noticed

PROVES = ("kubernetes-workers/cut",)
ORDER = 35


CUT_SECONDS = 60
"""How long the node stays cut off once the cluster has missed it."""


@pytest.mark.timeout(600)
def test_a_node_that_can_not_reach_the_api_for_minutes_comes_back_by_itself(
    delivered: Delivery, prober: Prober, record_property: Figure
) -> None:
    """Cut off, it is not ready and its pods answer nobody's requests; joined again, nothing has to be delivered."""
    delivered.lab.cut("r2-h2")
    try:
        missed = wait_until(lambda: "r2-h2" not in nodes(delivered), 120)
        record_property("missed_after_seconds", round(missed, 1))
        time.sleep(CUT_SECONDS)
    finally:
        delivered.lab.clear()
    back = wait_until(lambda: "r2-h2" in nodes(delivered), 60)
    record_property("back_after_seconds", round(back, 1))
    assert_nothing_to_do(delivered)


def test_the_service_answered_all_through(prober: Prober, record_property: Figure) -> None:
    assert_noticed(prober, LONGEST_GAP_SECONDS, asked=100, figure=record_property)

"""What holds of the example of Kubernetes once it is delivered, of whatever version; its seats' modules name these."""

from __future__ import annotations

import pytest
from delivery import Delivery, Figure
from kubernetes_life import (
    RECORD,
    addresses_of,
    assert_no_authority_on,
    assert_nothing_to_do,
    assert_platform_stands,
    nodes,
)


def assert_delivered(delivery: Delivery, hosts: list[str], release: str, figure: Figure) -> None:
    """Bare hosts become a cluster whose nodes are all of a release."""
    result = delivery.up(preview=True)
    figure("deliver_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivery) == dict.fromkeys(hosts, release)


def test_second_run_changes_nothing_and_logs_in_nowhere(delivered: Delivery, record_property: Figure) -> None:
    result = assert_nothing_to_do(delivered)
    record_property("second_run_seconds", round(result.seconds, 1))


@pytest.mark.parametrize("workload", ["names", "zone"])
def test_the_platform_stands_on_it(delivered: Delivery, workload: str) -> None:
    assert_platform_stands(delivered, workload)


def test_a_chart_serves_what_its_values_say(delivered: Delivery) -> None:
    assert addresses_of(delivered, "zone", RECORD) == ["10.90.4.20"] * 2


def test_no_key_of_an_authority_is_on_a_host(delivered: Delivery, hosts: list[str]) -> None:
    assert_no_authority_on(delivered, hosts)

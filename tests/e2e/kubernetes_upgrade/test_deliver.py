"""From bare hosts to a cluster of the older version."""

from __future__ import annotations

import pytest
from delivery import Delivery, Figure
from kubernetes_life import (
    OLD,
    RECORD,
    RELEASES,
    addresses_of,
    assert_no_authority_on,
    assert_nothing_to_do,
    assert_platform_stands,
    nodes,
)

PROVES = ("kubernetes/deliver-before-upgrade",)
ORDER = 20


@pytest.mark.timeout(1800)
def test_from_bare_hosts_to_a_cluster(delivery: Delivery, hosts: list[str], record_property: Figure) -> None:
    result = delivery.up(preview=True)
    record_property("deliver_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivery) == dict.fromkeys(hosts, RELEASES[OLD])


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

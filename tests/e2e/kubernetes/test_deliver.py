"""From bare hosts to a cluster with a tenant on it."""

from __future__ import annotations

import kubernetes_delivered
import pytest
from delivery import Delivery, Figure
from kubernetes_life import NEW, RELEASES

PROVES = ("kubernetes/deliver", "kubernetes-workers/deliver")
ORDER = 20
FIXED = True


@pytest.mark.timeout(1800)
def test_from_bare_hosts_to_a_cluster(delivery: Delivery, hosts: list[str], record_property: Figure) -> None:
    kubernetes_delivered.assert_delivered(delivery, hosts, RELEASES[NEW], record_property)


# In this order after it, as pytest runs tests in the order of their names in the module.
test_second_run_changes_nothing_and_logs_in_nowhere = (
    kubernetes_delivered.test_second_run_changes_nothing_and_logs_in_nowhere
)
test_the_platform_stands_on_it = kubernetes_delivered.test_the_platform_stands_on_it
test_a_chart_serves_what_its_values_say = kubernetes_delivered.test_a_chart_serves_what_its_values_say
test_no_key_of_an_authority_is_on_a_host = kubernetes_delivered.test_no_key_of_an_authority_is_on_a_host

"""A pool that shrinks and grows again, and every certificate made anew meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from delivery import Delivery, Figure
from kubernetes_life import NEW, RELEASES, kubectl, nodes, served, starts, unchanged
from patience import patience
from probed_service import PLANNED_GAP_SECONDS, Prober, assert_noticed, probed

PROVES = ("kubernetes-workers/scale", "kubernetes-workers/renew", "kubernetes/renew")
ORDER = 40


RELOAD_SECONDS = 120
"""The API server and the kubelet look at their certificate's files every minute."""


LEAVES, STAYS = "r3-h2", "r2-h2"


@pytest.fixture(scope="module")
def prober(delivered: Delivery) -> Iterator[Prober]:
    """A service that is asked all through; one of its two pods stands on the worker that leaves."""
    kubectl(delivered, f"cordon {STAYS}")
    try:
        with probed(delivered, pods_needed=1) as made:
            assert LEAVES in kubectl(delivered, "-n probe get pods -o wide")
            kubectl(delivered, f"uncordon {STAYS}")
            yield made
    finally:
        kubectl(delivered, f"uncordon {STAYS}")


@pytest.mark.timeout(1200)
def test_a_pool_is_scaled_in(delivered: Delivery, prober: Prober, hosts: list[str], record_property: Figure) -> None:
    """A worker leaves in good order: reached until its pods are gone; what it had open is closed after that."""
    delivered.edit("nodes: 3", "nodes: 2")
    result = delivered.up()
    record_property("scale_in_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    assert len(nodes(delivered)) == len(hosts) - 1
    assert "nodes kubelet" not in delivered.run(LEAVES, "nft list table inet greenfield").stdout
    assert unchanged(delivered.up().stdout)


@pytest.mark.timeout(1200)
def test_a_pool_is_scaled_out_while_all_certificates_are_renewed(
    delivered: Delivery, hosts: list[str], record_property: Figure
) -> None:
    """The worker comes back with the identity that it had. Another lifetime makes every certificate anew.

    The new ones are served, with no restart of etcd or the API.
    """
    standing = sorted(nodes(delivered))
    before = served(delivered, standing)
    started = starts(delivered, standing)
    delivered.edit("nodes: 2", "nodes: 3")
    delivered.edit("  standard: idc-2026\n", "  standard: idc-2026\n  pki: {lifetime: 80d}\n")
    result = delivered.up()
    record_property("scale_out_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivered) == dict.fromkeys(hosts, RELEASES[NEW])
    assert_ranges_are_their_own(delivered)
    deadline = time.monotonic() + patience(RELOAD_SECONDS)
    while same := [place for place, digest in served(delivered, standing).items() if before[place] == digest]:
        assert time.monotonic() < deadline, f"still the old certificate: {same}"
        time.sleep(5)
    assert starts(delivered, standing) == started
    assert unchanged(delivered.up().stdout)


def assert_ranges_are_their_own(delivered: Delivery) -> None:
    """Each node gives pods addresses of the range that is routed to it, also one that had another before it left."""
    for node in json.loads(kubectl(delivered, "get nodes -o json"))["items"]:
        name, routed = node["metadata"]["name"], node["spec"]["podCIDR"]
        given = delivered.run(name, "cat /etc/cni/net.d/10-greenfield.conflist").stdout
        assert f'"subnet": "{routed}"' in given, f"{name}: {routed} is routed to it: {given}"


def test_planned_changes_were_hardly_noticed(prober: Prober, record_property: Figure) -> None:
    assert_noticed(prober, PLANNED_GAP_SECONDS, asked=200, figure=record_property)

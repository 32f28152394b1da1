"""Hosts that die, with their disks."""

from __future__ import annotations

import pytest
from delivery import Delivery, Figure
from kubernetes_life import NEW, RELEASES, nodes
from probed_service import LONGEST_GAP_SECONDS, Prober, assert_noticed

PROVES = ("kubernetes/lose", "kubernetes-workers/lose")
ORDER = 60


@pytest.mark.timeout(1200)
def test_dead_hosts_are_replaced(
    delivered: Delivery, prober: Prober, hosts: list[str], record_property: Figure
) -> None:
    """A member of the control plane and a worker come back empty, with the names and identities that they had.

    The member's stale entry in etcd goes before it joins as a new one.
    """
    delivered.lab.reset_host("r3-h1", keep_key=True)
    delivered.lab.reset_host("r3-h2", keep_key=True)
    result = delivered.up("--refresh")
    record_property("replace_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivered) == dict.fromkeys(hosts, RELEASES[NEW])
    listed = delivered.run(
        "r1-h1",
        "cd /etc/kubernetes/pki/etcd && $(ls -d /opt/kubernetes/1.35*)/etcdctl --cacert ca.crt --cert peer.crt"
        " --key peer.key --endpoints https://127.0.0.1:2379 member list",
    ).stdout
    assert sorted(line.split(", ")[2] for line in listed.splitlines()) == ["r1-h1", "r2-h1", "r3-h1"]


def test_the_service_answered_all_through(prober: Prober, record_property: Figure) -> None:
    assert_noticed(prober, LONGEST_GAP_SECONDS, asked=200, figure=record_property)

"""A control plane that is destroyed."""

from __future__ import annotations

import pytest
from delivery import Delivery, Figure
from kubernetes_life import NEW, RELEASES, kubectl, nodes, take_snapshot, unchanged
from probed_service import LONGEST_GAP_SECONDS, Prober, assert_noticed

PROVES = ("kubernetes/restore",)
ORDER = 70


@pytest.mark.timeout(1200)
def test_a_destroyed_control_plane_begins_anew_from_a_snapshot(
    delivered: Delivery, prober: Prober, hosts: list[str], record_property: Figure
) -> None:
    """All three members are gone, with their disks. Pods run on meanwhile; what was in the snapshot is there again."""
    kubectl(delivered, "-n probe create configmap before --from-literal=when=before")
    kubectl(delivered, "-n probe create secret generic before --from-literal=word=kept")
    snapshot = take_snapshot(delivered)
    kubectl(delivered, "-n probe create configmap after --from-literal=when=after")
    pods = kubectl(delivered, "-n probe get pods -o jsonpath='{.items[*].metadata.uid}'")
    for host in (each for each in hosts if each.endswith("h1")):
        delivered.lab.reset_host(host, keep_key=True)
    refused = delivered.up("--refresh")
    assert refused.returncode == 1
    assert "--restore platform=SNAPSHOT" in refused.stdout, refused.stdout[-6000:]
    result = delivered.up("--restore", f"platform={snapshot}")
    record_property("restore_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivered) == dict.fromkeys(hosts, RELEASES[NEW])
    assert kubectl(delivered, "-n probe get configmap before -o jsonpath='{.data.when}'") == "before"
    assert kubectl(delivered, "-n probe get secret before -o jsonpath='{.data.word}'") == "a2VwdA=="
    assert delivered.run("r1-h1", "kubectl -n probe get configmap after").returncode != 0
    assert kubectl(delivered, "-n probe get pods -o jsonpath='{.items[*].metadata.uid}'") == pods
    assert unchanged(delivered.up().stdout)


def test_the_probed_service_answered_all_through(prober: Prober, record_property: Figure) -> None:
    assert_noticed(prober, LONGEST_GAP_SECONDS, asked=200, figure=record_property)

"""An upgrade, by a run that is killed, one that stops at a worker, and one that finishes it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from delivery import Delivery, Figure
from kubernetes_life import COREDNS, NEW, OLD, RECORD, RELEASES, addresses_of, kubectl, nodes, set_image, set_version
from patience import wait_until
from probed_service import PLANNED_GAP_SECONDS, Prober, assert_noticed

PROVES = ("kubernetes/upgrade", "kubernetes-workers/upgrade", "kubernetes/kill")
ORDER = 50


SECOND = "r2-h1"
"""The member of the control plane that is upgraded when the run is killed."""

MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"


def _wait_for_the_second_member(delivery: Delivery, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until its API server is being replaced: the new one was asked for this moment, and takes some to be ready."""

    def replaced() -> bool:
        assert process.poll() is None, log.read_text(errors="replace")[-6000:]
        return delivery.run(SECOND, f"grep kube-apiserver:{RELEASES[NEW]} {MANIFEST}").returncode == 0

    wait_until(replaced, 420, pause_seconds=0.5)


def test_a_probed_service_stands(prober: Prober) -> None:
    """The service that is asked through everything that follows."""
    assert prober.record()["asked"] > 0


@pytest.mark.timeout(1800)
def test_a_worker_that_does_not_drain_stops_the_upgrade(delivered: Delivery, prober: Prober, hosts: list[str]) -> None:
    """The control plane goes first; a worker whose pod can't move stops it, naming the pod and its budget.

    And the first run is killed (-9) while the second member is upgraded; the next one finishes that.
    """
    set_version(delivered, OLD, NEW)
    set_image(delivered, COREDNS[OLD], COREDNS[NEW])
    platform = delivered.spec / "platform.yaml"
    platform.write_text(platform.read_text().replace("10.90.4.20", "10.90.4.21"))
    locked = delivered.greenfield("mirror", "lock", str(delivered.spec), "--update", seconds=1800)
    assert locked.returncode == 0, locked.stdout
    delivered.sync()
    # There is no way back: from here on this is what hosts are to be.
    delivered.original.adopt()
    process, log = delivered.start_up("killed")
    _wait_for_the_second_member(delivered, process, log)
    delivered.kill_pulumi(process)
    result = delivered.up()
    assert result.returncode == 1
    assert re.search(r"did not hand over within 20 s: probe/probe-\S+: .*disruption budget probe", result.stdout), (
        result.stdout[-6000:]
    )
    found = nodes(delivered)
    assert {found[host] for host in hosts if host.endswith("h1")} == {RELEASES[NEW]}
    assert sorted(found[host] for host in hosts if host.endswith("h2")).count(RELEASES[OLD]) >= 2


@pytest.mark.timeout(1200)
def test_the_upgrade_is_finished_by_the_next_run(
    delivered: Delivery, prober: Prober, hosts: list[str], record_property: Figure
) -> None:
    kubectl(delivered, """-n probe patch pdb probe --type=merge -p '{"spec": {"minAvailable": 1}}'""")
    result = delivered.up()
    record_property("finish_upgrade_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivered) == dict.fromkeys(hosts, RELEASES[NEW])
    listed = json.loads(kubectl(delivered, "get nodes -o json"))["items"]
    assert not [node["metadata"]["name"] for node in listed if node["spec"].get("unschedulable")]
    assert addresses_of(delivered, "zone", RECORD) == ["10.90.4.21"] * 2


def test_the_upgrade_was_hardly_noticed(prober: Prober, record_property: Figure) -> None:
    assert_noticed(prober, PLANNED_GAP_SECONDS, asked=200, figure=record_property)

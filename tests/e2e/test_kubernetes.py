"""The life of a Kubernetes cluster, in order, each step a change of the spec and ``greenfield up``."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery import Delivery
from kubernetes_life import (
    SERVICE,
    Prober,
    addresses_of,
    carry_in,
    kubectl,
    nodes,
    served,
    set_image,
    set_version,
    starts,
    take_snapshot,
    unchanged,
    wait_until,
)

SEAT = {"example": "kubernetes", "site": "kube-e2e", "network": 86}
PROBER = "r1-h2"
"""A worker that stands from beginning to end."""

OLD, NEW = "1.34", "1.35"
RELEASES = {"1.34": "v1.34.4", "1.35": "v1.35.4"}

RECORD = "orders-db.shop.internal"
"""What the example's zone answers for."""

OWN_IMAGE = "registry.shop.internal/shop/zone:2.0"

RELOAD_SECONDS = 120
"""The API server and the kubelet look at their certificate's files every minute."""

PLANNED_GAP_SECONDS = 5.0
"""Of the probed service through upgrade and scaling: a drained pod is gone from every proxy within a second or two."""

LONGEST_GAP_SECONDS = 20.0
"""Of the probed service. A drained pod is gone from every proxy within a second or two; but a node that vanishes is
missed only when its lease ends, 40 s later, and until then every other request goes to a pod that is not there."""


def prepare(delivery: Delivery) -> None:
    """The older version, with the image that it has, and a short patience with pods that can't move."""
    set_version(delivery, NEW, OLD)
    delivery.edit("podMemory: 1GiB", "podMemory: 1GiB\n      drainDeadline: 20s")
    set_image(delivery, "v1.13.1", "v1.12.1")


@pytest.fixture(scope="module")
def prober(delivery: Delivery) -> Iterator[Prober]:
    made = Prober(delivery)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def hosts(delivery: Delivery) -> list[str]:
    return sorted(delivery.site.hosts)


@pytest.mark.timeout(1800)
def test_from_bare_hosts_to_a_cluster(delivery: Delivery, hosts: list[str]) -> None:
    result = delivery.up(preview=True)
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivery) == dict.fromkeys(hosts, RELEASES[OLD])


def test_second_run_changes_nothing_and_logs_in_nowhere(delivery: Delivery) -> None:
    before = delivery.logins()
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-4000:]
    assert unchanged(result.stdout), result.stdout[-4000:]
    assert "what is deployed: none\n" in delivery.greenfield("plan", str(delivery.spec)).stdout
    assert delivery.logins() == before


@pytest.mark.parametrize("workload", ["names", "zone"])
def test_the_platform_stands_on_it(delivery: Delivery, workload: str) -> None:
    """What the spec's Platform declares: a tenant with its limits, and workloads over two racks."""
    assert "enforce=restricted" in kubectl(delivery, "get namespace shop --show-labels")
    pods = json.loads(kubectl(delivery, f"-n shop get pods -l app={workload} -o json"))["items"]
    zones = json.loads(kubectl(delivery, "get nodes -o json"))["items"]
    zone = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in zones}
    assert len(pods) == 2
    assert len(json.loads(kubectl(delivery, "-n shop get pods -o json"))["items"]) == 4, "nothing else is in the tenant"
    assert len({zone[pod["spec"]["nodeName"]] for pod in pods}) == 2


def test_a_chart_serves_what_its_values_say(delivery: Delivery) -> None:
    assert addresses_of(delivery, "zone", RECORD) == ["10.90.4.20"] * 2


def test_no_key_of_an_authority_is_on_a_host(delivery: Delivery, hosts: list[str]) -> None:
    for host in hosts:
        found = delivery.lab.run(host, "find /etc/kubernetes -name '*ca.key' -o -name 'super-admin.conf'").stdout
        assert not found, f"{host}: {found}"


def test_a_probed_service_stands(delivery: Delivery, prober: Prober) -> None:
    """The service that is asked through everything that follows."""
    image = json.loads(kubectl(delivery, "-n kube-system get deployment coredns -o json"))
    name = image["spec"]["template"]["spec"]["containers"][0]["image"]
    for host in (each for each in delivery.site.hosts if each.endswith("h2")):
        # The next version's mirror no longer has it, and pods that move must be able to start where they come to.
        pulled = delivery.lab.run(host, f"ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d {name}")
        assert pulled.returncode == 0, pulled.stderr
    done = delivery.lab.run("r1-h1", f"kubectl apply -f - <<'END'\n{SERVICE.replace('IMAGE', name)}END")
    assert done.returncode == 0, done.stderr
    kubectl(delivery, "-n probe rollout status deployment/probe --timeout=90s")
    address = json.loads(kubectl(delivery, "-n probe get service probe -o json"))["spec"]["clusterIP"]
    prober.start("probe", str(delivery.spec), "names", "--from", PROBER, "--url", f"http://{address}:8080/health")
    wait_until(lambda: prober.record().get("asked", 0) > 0, 60)


@pytest.mark.timeout(1800)
def test_a_worker_that_does_not_drain_stops_the_upgrade(delivery: Delivery, hosts: list[str]) -> None:
    """The control plane goes first; a worker whose pod can't move stops it, naming the pod and its budget.

    And the first run is killed (-9) while the second member is upgraded; the next one finishes that.
    """
    set_version(delivery, OLD, NEW)
    set_image(delivery, "v1.12.1", "v1.13.1")
    platform = delivery.spec / "platform.yaml"
    platform.write_text(platform.read_text().replace("10.90.4.20", "10.90.4.21"))
    locked = delivery.greenfield("mirror", "lock", str(delivery.spec), "--update", timeout=1800)
    assert locked.returncode == 0, locked.stdout
    assert delivery.greenfield("mirror", "sync", str(delivery.spec), timeout=1800).returncode == 0
    process, log = delivery.start_up("killed")
    # Not every task is shown; kubeadm begins about ten seconds after the first of these, and takes more than a minute.
    delivery.wait_for(log, r"; platform-r2  \d/1 hosts  task (9|1\d) ", 400)
    time.sleep(15)
    delivery.kill_pulumi(process)
    result = delivery.up()
    assert result.returncode == 1
    assert re.search(r"did not hand over within 20 s: probe/probe-\S+: .*disruption budget probe", result.stdout), (
        result.stdout[-6000:]
    )
    found = nodes(delivery)
    assert {found[host] for host in hosts if host.endswith("h1")} == {RELEASES[NEW]}
    assert sorted(found[host] for host in hosts if host.endswith("h2")).count(RELEASES[OLD]) >= 2


@pytest.mark.timeout(1200)
def test_the_upgrade_is_finished_by_the_next_run(delivery: Delivery, hosts: list[str]) -> None:
    kubectl(delivery, """-n probe patch pdb probe --type=merge -p '{"spec": {"minAvailable": 1}}'""")
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivery) == dict.fromkeys(hosts, RELEASES[NEW])
    listed = json.loads(kubectl(delivery, "get nodes -o json"))["items"]
    assert not [node["metadata"]["name"] for node in listed if node["spec"].get("unschedulable")]
    assert addresses_of(delivery, "zone", RECORD) == ["10.90.4.21"] * 2


def test_a_workload_runs_an_image_of_its_own(delivery: Delivery, tmp_path: Path) -> None:
    """One that no engine brings: refused where it is named, carried in, locked as the rest stays, and pulled."""
    platform = delivery.spec / "platform.yaml"
    platform.write_text(platform.read_text().replace("registry.k8s.io/coredns/coredns:v1.13.1", OWN_IMAGE))
    refused = delivery.greenfield("validate", str(delivery.spec))
    assert refused.returncode == 1
    assert f"greenfield mirror add image/{OWN_IMAGE} ARCHIVE" in refused.stdout
    carry_in(delivery, OWN_IMAGE, tmp_path)
    locked = delivery.greenfield("mirror", "lock", str(delivery.spec))
    assert locked.returncode == 0, locked.stdout
    changes = [line.strip().rsplit(" ", 1)[0] for line in locked.stdout.splitlines() if line.startswith("  ")]
    assert changes == [f"+ {OWN_IMAGE} 2.0"], locked.stdout
    assert delivery.greenfield("mirror", "sync", str(delivery.spec)).returncode == 0
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-6000:]
    pods = json.loads(kubectl(delivery, "-n shop get pods -l app=zone -o json"))["items"]
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {OWN_IMAGE}
    assert addresses_of(delivery, "zone", RECORD) == ["10.90.4.21"] * 2


@pytest.mark.timeout(1200)
def test_a_pool_is_scaled_in(delivery: Delivery, hosts: list[str]) -> None:
    """A worker leaves in good order."""
    delivery.edit("nodes: 3", "nodes: 2")
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-6000:]
    assert len(nodes(delivery)) == len(hosts) - 1


@pytest.mark.timeout(1200)
def test_a_pool_is_scaled_out_while_all_certificates_are_renewed(delivery: Delivery, hosts: list[str]) -> None:
    """The worker comes back with the identity that it had. Another lifetime makes every certificate anew.

    The new ones are served, with no restart of etcd or the API.
    """
    standing = sorted(nodes(delivery))
    before = served(delivery, standing)
    started = starts(delivery, standing)
    delivery.edit("nodes: 2", "nodes: 3")
    delivery.edit("  standard: idc-2026\n", "  standard: idc-2026\n  pki: {lifetime: 80d}\n")
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivery) == dict.fromkeys(hosts, RELEASES[NEW])
    deadline = time.monotonic() + RELOAD_SECONDS
    while same := [place for place, digest in served(delivery, standing).items() if before[place] == digest]:
        assert time.monotonic() < deadline, f"still the old certificate: {same}"
        time.sleep(5)
    assert starts(delivery, standing) == started
    assert unchanged(delivery.up().stdout)


def test_planned_changes_were_hardly_noticed(prober: Prober) -> None:
    seen = prober.record()
    assert seen["asked"] > 200, seen
    assert seen["longest_gap_seconds"] < PLANNED_GAP_SECONDS, seen


@pytest.mark.timeout(400)
def test_a_node_that_can_not_reach_the_api_for_minutes_comes_back_by_itself(delivery: Delivery) -> None:
    """Cut off, it is not ready and its pods answer nobody's requests; joined again, nothing has to be delivered."""
    delivery.lab.cut("r2-h2")
    try:
        wait_until(lambda: "r2-h2" not in nodes(delivery), 120)
        time.sleep(60)
    finally:
        delivery.lab.clear()
    wait_until(lambda: "r2-h2" in nodes(delivery), 60)
    before = delivery.logins()
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-4000:]
    assert unchanged(result.stdout), result.stdout[-4000:]
    assert "what is deployed: none\n" in delivery.greenfield("plan", str(delivery.spec)).stdout
    assert delivery.logins() == before


@pytest.mark.timeout(1200)
def test_dead_hosts_are_replaced(delivery: Delivery, hosts: list[str]) -> None:
    """A member of the control plane and a worker come back empty, with the names and identities that they had.

    The member's stale entry in etcd goes before it joins as a new one.
    """
    delivery.lab.reset_host("r3-h1", keep_key=True)
    delivery.lab.reset_host("r3-h2", keep_key=True)
    result = delivery.up("--refresh")
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivery) == dict.fromkeys(hosts, RELEASES[NEW])
    listed = delivery.lab.run(
        "r1-h1",
        "cd /etc/kubernetes/pki/etcd && $(ls -d /opt/kubernetes/1.35*)/etcdctl --cacert ca.crt --cert peer.crt"
        " --key peer.key --endpoints https://127.0.0.1:2379 member list",
    ).stdout
    assert sorted(line.split(", ")[2] for line in listed.splitlines()) == ["r1-h1", "r2-h1", "r3-h1"]


@pytest.mark.timeout(1200)
def test_a_destroyed_control_plane_begins_anew_from_a_snapshot(delivery: Delivery, hosts: list[str]) -> None:
    """All three members are gone, with their disks. Pods run on meanwhile; what was in the snapshot is there again."""
    kubectl(delivery, "-n probe create configmap before --from-literal=when=before")
    kubectl(delivery, "-n probe create secret generic before --from-literal=word=kept")
    snapshot = take_snapshot(delivery)
    kubectl(delivery, "-n probe create configmap after --from-literal=when=after")
    pods = kubectl(delivery, "-n probe get pods -o jsonpath='{.items[*].metadata.uid}'")
    for host in (each for each in hosts if each.endswith("h1")):
        delivery.lab.reset_host(host, keep_key=True)
    refused = delivery.up("--refresh")
    assert refused.returncode == 1
    assert "--restore platform=SNAPSHOT" in refused.stdout, refused.stdout[-6000:]
    result = delivery.up("--restore", f"platform={snapshot}")
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivery) == dict.fromkeys(hosts, RELEASES[NEW])
    assert kubectl(delivery, "-n probe get configmap before -o jsonpath='{.data.when}'") == "before"
    assert kubectl(delivery, "-n probe get secret before -o jsonpath='{.data.word}'") == "a2VwdA=="
    assert delivery.lab.run("r1-h1", "kubectl -n probe get configmap after").returncode != 0
    assert kubectl(delivery, "-n probe get pods -o jsonpath='{.items[*].metadata.uid}'") == pods
    assert unchanged(delivery.up().stdout)


def test_the_probed_service_answered_all_through(prober: Prober) -> None:
    prober.stop()
    seen = prober.record()
    print(f"probe: {seen}")
    assert seen["ended"]
    assert seen["asked"] > 200, seen
    assert seen["longest_gap_seconds"] < LONGEST_GAP_SECONDS, seen
    assert seen["unobserved_seconds"] < LONGEST_GAP_SECONDS, seen


@pytest.mark.timeout(1200)
def test_accepted(delivery: Delivery) -> None:
    kubectl(delivery, "delete namespace probe")
    result = delivery.verify()
    assert result.returncode == 0, result.stdout[-8000:]
    assert re.search(rf"  probe names from {PROBER}: asked [\d,]+ · failed ", result.stdout), result.stdout
    (told,) = json.loads((delivery.folder / "build" / "report" / "shop" / "shop.json").read_text())["probes"]
    assert told["name"] == "names"
    assert "Availability while it changed" in (delivery.folder / "build" / "report" / "shop" / "shop.html").read_text()

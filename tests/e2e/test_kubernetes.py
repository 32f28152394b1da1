"""The life of a Kubernetes cluster, in order, each step a change of the spec and ``greenfield up``."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from delivery import Delivery

SEAT = {"example": "kubernetes", "site": "kube-e2e", "network": 86}
PROBER = "r1-h2"
"""A worker that stands from beginning to end."""

OLD, NEW = "1.34", "1.35"
RELEASES = {"1.34": "v1.34.4", "1.35": "v1.35.4"}

SERVED = {"member": (2379, 2380, 6443, 10250), "worker": (10250,)}

RELOAD_SECONDS = 120
"""The API server and the kubelet look at their certificate's files every minute."""

LONGEST_GAP_SECONDS = 5.0
"""Of the probed service while its nodes are drained one after the other: its other replica answers; what is left is the
time until every node's proxy knows of a pod that went."""

PROBE = """
import json, os, time, urllib.request
seen = {"asked": 0, "failed": 0, "longest_gap": 0.0, "errors": {}}
good = time.monotonic()
while not os.path.exists("/run/probe.stop"):
    try:
        urllib.request.urlopen("http://ADDRESS:8080/health", timeout=1).read()
        now = time.monotonic()
        seen["longest_gap"], good = max(seen["longest_gap"], now - good), now
    except OSError as error:
        seen["failed"] += 1
        seen["errors"][str(error)] = seen["errors"].get(str(error), 0) + 1
    seen["asked"] += 1
    time.sleep(0.2)
seen["longest_gap"] = max(seen["longest_gap"], time.monotonic() - good)
open("/run/probe.json", "w").write(json.dumps(seen))
"""

SERVICE = """
apiVersion: v1
kind: Namespace
metadata: {name: probe}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: probe, namespace: probe}
data: {Corefile: ".:1053 {\\n  whoami\\n  health :8080 {\\n    lameduck 3s\\n  }\\n}\\n"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: probe, namespace: probe}
spec:
  replicas: 2
  selector: {matchLabels: {app: probe}}
  template:
    metadata: {labels: {app: probe}}
    spec:
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: probe}}}
      containers:
        - name: probe
          image: IMAGE
          args: ["-conf", /etc/coredns/Corefile]
          readinessProbe: {httpGet: {path: /health, port: 8080}, periodSeconds: 1}
          volumeMounts: [{name: config, mountPath: /etc/coredns}]
      volumes: [{name: config, configMap: {name: probe}}]
---
apiVersion: v1
kind: Service
metadata: {name: probe, namespace: probe}
spec: {selector: {app: probe}, ports: [{port: 8080}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: probe, namespace: probe}
spec: {minAvailable: 2, selector: {matchLabels: {app: probe}}}
"""


def prepare(delivery: Delivery) -> None:
    """The older version, with the image that it has, and a short patience with pods that can't move."""
    set_version(delivery, NEW, OLD)
    delivery.edit("podMemory: 1GiB", "podMemory: 1GiB\n      drainDeadline: 20s")
    names = delivery.spec / "names.yaml"
    names.write_text(names.read_text().replace("coredns:v1.13.1", "coredns:v1.12.1"))


def set_version(delivery: Delivery, old: str, new: str) -> None:
    text = delivery.cluster_file.read_text()
    assert text.count(f'version: "{old}"') == 2
    delivery.cluster_file.write_text(text.replace(f'version: "{old}"', f'version: "{new}"'))


def kubectl(delivery: Delivery, words: str, on: str = "r1-h1") -> str:
    done = delivery.lab.run(on, f"kubectl {words}", timeout_seconds=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def nodes(delivery: Delivery) -> dict[str, str]:
    """Ready nodes and the release that each runs."""
    listed = json.loads(kubectl(delivery, "get nodes -o json"))["items"]
    ready = [
        n for n in listed if any(c["type"] == "Ready" and c["status"] == "True" for c in n["status"]["conditions"])
    ]
    return {node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"] for node in ready}


def served(delivery: Delivery, hosts: list[str]) -> dict[str, str]:
    """Digest of the certificate that each port of each node serves, by ``host:port``."""
    found = {}
    for host in hosts:
        for port in SERVED["member" if host.endswith("h1") else "worker"]:
            asked = f"openssl s_client -connect {delivery.site.hosts[host].address}:{port} </dev/null 2>/dev/null"
            digest = delivery.lab.run(host, f"{asked} | openssl x509 -noout -fingerprint -sha256").stdout.strip()
            assert digest, f"{host}:{port} serves no certificate"
            found[f"{host}:{port}"] = digest
    return found


def starts(delivery: Delivery, hosts: list[str]) -> dict[str, str]:
    """When what serves on each node was started."""
    ask = "systemctl show -p ActiveEnterTimestamp kubelet containerd; ps -C etcd,kube-apiserver -o pid="
    return {host: delivery.lab.run(host, ask).stdout for host in hosts}


def take_snapshot(delivery: Delivery) -> Path:
    """A snapshot of etcd by the unit that takes them every hour, copied to the workstation."""
    taken = delivery.lab.run("r1-h1", "systemctl start greenfield-kubernetes-snapshot.service")
    assert taken.returncode == 0, taken.stderr
    text = delivery.lab.run("r1-h1", "base64 $(ls -t /data/platform/snapshots/*.db | head -1)").stdout
    file = delivery.folder / "platform.db"
    file.write_bytes(base64.b64decode(text))
    return file


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(1)


def unchanged(said: str) -> bool:
    return bool(re.search(r"\d+ unchanged", said)) and not re.search(r"\d+ (created|updated|replaced|deleted)", said)


@pytest.fixture(scope="module")
def hosts(delivery: Delivery) -> list[str]:
    return sorted(delivery.site.hosts)


@pytest.mark.timeout(1800)
def test_from_bare_hosts_to_a_cluster(delivery: Delivery, hosts: list[str]) -> None:
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivery) == dict.fromkeys(hosts, RELEASES[OLD])


def test_second_run_changes_nothing_and_logs_in_nowhere(delivery: Delivery) -> None:
    before = delivery.logins()
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-4000:]
    assert unchanged(result.stdout), result.stdout[-4000:]
    assert delivery.logins() == before


def test_the_platform_stands_on_it(delivery: Delivery) -> None:
    """What the spec's Platform declares: a tenant with its limits, and a workload over two racks."""
    assert "enforce=restricted" in kubectl(delivery, "get namespace shop --show-labels")
    pods = json.loads(kubectl(delivery, "-n shop get pods -o json"))["items"]
    zones = json.loads(kubectl(delivery, "get nodes -o json"))["items"]
    zone = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in zones}
    assert len(pods) == 2
    assert len({zone[pod["spec"]["nodeName"]] for pod in pods}) == 2


def test_no_key_of_an_authority_is_on_a_host(delivery: Delivery, hosts: list[str]) -> None:
    for host in hosts:
        found = delivery.lab.run(host, "find /etc/kubernetes -name '*ca.key' -o -name 'super-admin.conf'").stdout
        assert not found, f"{host}: {found}"


def test_a_probed_service_stands(delivery: Delivery) -> None:
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
    script = PROBE.replace("ADDRESS", address)
    started = delivery.lab.run(
        PROBER, f"cat > /run/probe.py <<'END'\n{script}END\nsystemd-run --unit=probe python3 /run/probe.py"
    )
    assert started.returncode == 0, started.stderr


@pytest.mark.timeout(1800)
def test_a_worker_that_does_not_drain_stops_the_upgrade(delivery: Delivery, hosts: list[str]) -> None:
    """The control plane goes first; a worker whose pod can't move stops it, naming the pod and its budget.

    And the first run is killed (-9) while the second member is upgraded; the next one finishes that.
    """
    set_version(delivery, OLD, NEW)
    workload = delivery.spec / "names.yaml"
    workload.write_text(workload.read_text().replace("coredns:v1.12.1", "coredns:v1.13.1"))
    locked = delivery.greenfield("mirror", "lock", str(delivery.spec), "--update", timeout=1800)
    assert locked.returncode == 0, locked.stdout
    assert delivery.greenfield("mirror", "sync", str(delivery.spec), timeout=1800).returncode == 0
    process, log = delivery.start_up("killed")
    delivery.wait_for(log, r"; platform-r2  1/1 hosts  task \d+ Pods handed over", 400)
    time.sleep(10)  # Until kubeadm is at work.
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


@pytest.mark.timeout(1200)
def test_a_pool_is_scaled_in_and_out(delivery: Delivery, hosts: list[str]) -> None:
    """A worker leaves in good order, and comes back with the identity that it had."""
    delivery.edit("nodes: 3", "nodes: 2")
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-6000:]
    assert len(nodes(delivery)) == len(hosts) - 1
    delivery.edit("nodes: 2", "nodes: 3")
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-6000:]
    assert nodes(delivery) == dict.fromkeys(hosts, RELEASES[NEW])


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
    assert delivery.logins() == before


@pytest.mark.timeout(1200)
def test_all_certificates_are_renewed(delivery: Delivery, hosts: list[str]) -> None:
    """Another lifetime makes every certificate anew; what is served is the new one, without a restart of anything."""
    before = served(delivery, hosts)
    started = starts(delivery, hosts)
    delivery.edit("  standard: idc-2026\n", "  standard: idc-2026\n  pki: {lifetime: 80d}\n")
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-6000:]
    deadline = time.monotonic() + RELOAD_SECONDS
    while same := [place for place, digest in served(delivery, hosts).items() if before[place] == digest]:
        assert time.monotonic() < deadline, f"still the old certificate: {same}"
        time.sleep(5)
    assert starts(delivery, hosts) == started
    assert unchanged(delivery.up().stdout)


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


def test_the_probed_service_answered_all_through(delivery: Delivery) -> None:
    delivery.lab.run(PROBER, "touch /run/probe.stop")
    deadline = time.monotonic() + 15
    while not (text := delivery.lab.run(PROBER, "cat /run/probe.json 2>/dev/null || true").stdout):
        assert time.monotonic() < deadline, delivery.lab.run(PROBER, "journalctl -u probe -n 20").stdout
        time.sleep(0.5)
    seen = json.loads(text)
    print(f"probe: {seen}")
    assert seen["asked"] > 200, seen
    assert seen["longest_gap"] < LONGEST_GAP_SECONDS, seen


@pytest.mark.timeout(1200)
def test_accepted(delivery: Delivery) -> None:
    kubectl(delivery, "delete namespace probe")
    result = delivery.verify()
    assert result.returncode == 0, result.stdout[-8000:]

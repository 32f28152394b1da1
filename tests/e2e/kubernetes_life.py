"""What tests of a Kubernetes cluster's life ask and do beside ``greenfield``."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from delivery import Delivery, Run
from mirrored import archive_of

from greenfield.artifacts import load_lock

OLD, NEW = "1.34", "1.35"
RELEASES = {OLD: "v1.34.4", NEW: "v1.35.4"}
COREDNS = {OLD: "v1.12.1", NEW: "v1.13.1"}
"""What the example's workloads run, of the same release as the version's own."""

RECORD = "orders-db.shop.internal"
"""What the example's zone answers for."""

SERVED = {"member": (2379, 2380, 6443, 10250), "worker": (10250,)}
"""Ports that serve with a certificate."""

ASK = """
import socket, sys
server, port, name = sys.argv[1:]
question = b"".join(bytes([len(word)]) + word.encode() for word in name.split(".")) + bytes([0, 0, 1, 0, 1])
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(5)
asking.sendto(bytes([7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + question, (server, int(port)))
answer = asking.recv(512)
assert answer[3] & 15 == 0 and answer[6:8] == bytes([0, 1]), answer
print(socket.inet_ntoa(answer[-4:]))
"""
"""Asks a DNS server for the one address of a name (RFC 1035); hosts have no program for it."""


def set_version(delivery: Delivery, old: str, new: str) -> None:
    """Another version of the control plane and of the workers."""
    text = delivery.cluster_file.read_text()
    assert text.count(f'version: "{old}"') == 2
    delivery.cluster_file.write_text(text.replace(f'version: "{old}"', f'version: "{new}"'))


def set_image(delivery: Delivery, old: str, new: str) -> None:
    """Another release of CoreDNS in the workloads, one of manifests and one of a chart."""
    for name in ("names.yaml", "platform.yaml"):
        file = delivery.spec / name
        assert file.read_text().count(f"coredns:{old}") == 1
        file.write_text(file.read_text().replace(f"coredns:{old}", f"coredns:{new}"))


def carry_in(delivery: Delivery, name: str, folder: Path) -> None:
    """A workload's own image, as its owner hands it over: the program of the mirror's CoreDNS under its own name."""
    lock = load_lock(delivery.spec)
    assert lock is not None
    program = next(image for image in lock.images if "/coredns:" in image.name)
    archive, digest = archive_of(program, delivery.mirror / delivery.site.name, name, folder)
    added = delivery.greenfield("mirror", "add", f"image/{name}", str(archive), "--sha256", digest)
    assert added.returncode == 0, added.stdout


def assert_nothing_to_do(delivery: Delivery) -> Run:
    """A run changes nothing, logs in nowhere, and the plan says the same; returns the run."""
    before = delivery.logins()
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-4000:]
    assert unchanged(result.stdout), result.stdout[-4000:]
    assert "what is deployed: none\n" in delivery.greenfield("plan", str(delivery.spec)).stdout
    assert delivery.logins() == before
    return result


def assert_platform_stands(delivery: Delivery, workload: str) -> None:
    """What the spec's Platform declares: a tenant with its limits, and workloads over two racks."""
    assert "enforce=restricted" in kubectl(delivery, "get namespace shop --show-labels")
    pods = json.loads(kubectl(delivery, f"-n shop get pods -l app={workload} -o json"))["items"]
    zones = json.loads(kubectl(delivery, "get nodes -o json"))["items"]
    zone = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in zones}
    assert len(pods) == 2
    assert len(json.loads(kubectl(delivery, "-n shop get pods -o json"))["items"]) == 4, "nothing else is in the tenant"
    assert len({zone[pod["spec"]["nodeName"]] for pod in pods}) == 2


def assert_no_authority_on(delivery: Delivery, hosts: list[str]) -> None:
    """No host holds the key of an authority, nor what would pass for one."""
    for host in hosts:
        found = delivery.run(host, "find /etc/kubernetes -name '*ca.key' -o -name 'super-admin.conf'").stdout
        assert not found, f"{host}: {found}"


def addresses_of(delivery: Delivery, workload: str, name: str) -> list[str]:
    """What each pod of a workload answers who asks for a name's address, from its own node: others are kept out."""
    pods = json.loads(kubectl(delivery, f"-n shop get pods -l app={workload} -o json"))["items"]
    found = []
    for pod in pods:
        done = delivery.run(pod["spec"]["nodeName"], ["python3", "-c", ASK, pod["status"]["podIP"], "1053", name])
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.strip())
    return found


def kubectl(delivery: Delivery, words: str, on: str = "r1-h1") -> str:
    """Ask or tell the cluster, as an administrator on a member of the control plane."""
    done = delivery.run(on, f"kubectl {words}", seconds=120)
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
            digest = delivery.run(host, f"{asked} | openssl x509 -noout -fingerprint -sha256").stdout.strip()
            assert digest, f"{host}:{port} serves no certificate"
            found[f"{host}:{port}"] = digest
    return found


def starts(delivery: Delivery, hosts: list[str]) -> dict[str, str]:
    """When what serves on each node was started."""
    ask = "systemctl show -p ActiveEnterTimestamp containerd; ps -C etcd,kube-apiserver -o pid="
    return {host: delivery.run(host, ask).stdout for host in hosts}


def take_snapshot(delivery: Delivery) -> Path:
    """A snapshot of etcd by the unit that takes them every hour, copied to the workstation."""
    taken = delivery.run("r1-h1", "systemctl start greenfield-kubernetes-snapshot.service")
    assert taken.returncode == 0, taken.stderr
    text = delivery.run("r1-h1", "base64 $(ls -t /data/platform/snapshots/*.db | head -1)").stdout
    file = delivery.folder / "platform.db"
    file.write_bytes(base64.b64decode(text))
    return file


def unchanged(said: str) -> bool:
    """Whether a run found nothing to do."""
    return bool(re.search(r"\d+ unchanged", said)) and not re.search(r"\d+ (created|updated|replaced|deleted)", said)

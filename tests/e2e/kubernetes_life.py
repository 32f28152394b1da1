"""What tests of a Kubernetes cluster's life ask and do beside ``greenfield``."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from delivery import BIN, Delivery
from mirrored import archive_of

from greenfield.artifacts import load_lock

SERVED = {"member": (2379, 2380, 6443, 10250), "worker": (10250,)}
"""Ports that serve with a certificate."""

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
    archive, digest = archive_of(program, delivery.folder / "mirror" / delivery.site.name, name, folder)
    added = delivery.greenfield("mirror", "add", f"image/{name}", str(archive), "--sha256", digest)
    assert added.returncode == 0, added.stdout


def addresses_of(delivery: Delivery, workload: str, name: str) -> list[str]:
    """What each pod of a workload answers who asks for a name's address, from its own node: others are kept out."""
    pods = json.loads(kubectl(delivery, f"-n shop get pods -l app={workload} -o json"))["items"]
    found = []
    for pod in pods:
        done = delivery.lab.run(pod["spec"]["nodeName"], ["python3", "-c", ASK, pod["status"]["podIP"], "1053", name])
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.strip())
    return found


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
    ask = "systemctl show -p ActiveEnterTimestamp containerd; ps -C etcd,kube-apiserver -o pid="
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


class Prober:
    """``greenfield probe`` beside everything else, and what it has seen."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> None:
        log = (self.delivery.folder / "probe.log").open("wb")
        command = ["env", "--default-signal=INT,TERM", str(BIN / "greenfield"), *arguments]
        self.process = subprocess.Popen(
            command, env=self.delivery.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )

    def record(self) -> dict[str, Any]:
        place = self.delivery.folder / "state" / "greenfield" / "probes" / "kube-e2e" / "shop" / "names.json"
        found: dict[str, Any] = json.loads(place.read_text()) if place.exists() else {}
        return found

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(30) == 0, (self.delivery.folder / "probe.log").read_text()
            self.process = None

"""A service in the cluster that ``greenfield probe`` asks all through an event, and what it may have missed."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from acceptance import accepted
from delivery import BIN, Delivery, Figure
from kubernetes_life import kubectl
from patience import patience, wait_until

PROBER = "r1-h2"
"""A worker that stands from beginning to end."""

PLANNED_GAP_SECONDS = 5.0
"""Of the probed service through upgrade and scaling: a drained pod is gone from every proxy within a second or two."""

LONGEST_GAP_SECONDS = 20.0
"""Of the probed service. A drained pod is gone from every proxy within a second or two; but a node that vanishes is
missed only when its lease ends, 40 s later, and until then every other request goes to a pod that is not there."""

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
spec: {minAvailable: NEEDED, selector: {matchLabels: {app: probe}}}
"""


class Prober:
    """``greenfield probe`` beside everything else, and what it has seen."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.process: subprocess.Popen[bytes] | None = None
        state = delivery.folder / "state" / "greenfield"
        self.place = state / "probes" / delivery.site.name / "shop" / "names.json"

    def start(self) -> None:
        """Begin to ask, with a record of its own, and wait for the first answer."""
        self.place.unlink(missing_ok=True)
        address = json.loads(kubectl(self.delivery, "-n probe get service probe -o json"))["spec"]["clusterIP"]
        command = ["env", "--default-signal=INT,TERM", str(BIN / "greenfield"), "probe", str(self.delivery.spec)]
        command += ["names", "--from", PROBER, "--url", f"http://{address}:8080/health"]
        log = (self.delivery.folder / "probe.log").open("wb")
        self.process = subprocess.Popen(
            command, env=self.delivery.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        wait_until(lambda: self.record().get("asked", 0) > 0, 60)

    def record(self) -> dict[str, Any]:
        """What it has seen up to now; empty where it has not begun."""
        found: dict[str, Any] = json.loads(self.place.read_text()) if self.place.exists() else {}
        return found

    def stop(self) -> None:
        """End it in good order."""
        if self.process is not None:
            process, self.process = self.process, None
            process.terminate()
            assert process.wait(patience(30)) == 0, (self.delivery.folder / "probe.log").read_text()


def deploy(delivery: Delivery, pods_needed: int) -> None:
    """Have the service run, two pods on two workers, of which so many must stay through planned changes."""
    image = json.loads(kubectl(delivery, "-n kube-system get deployment coredns -o json"))
    name = image["spec"]["template"]["spec"]["containers"][0]["image"]
    for host in (each for each in delivery.site.hosts if each.endswith("h2")):
        # The next version's mirror no longer has it, and pods that move must be able to start where they come to.
        pulled = delivery.run(host, f"ctr -n k8s.io images pull --hosts-dir /etc/containerd/certs.d {name}")
        assert pulled.returncode == 0, pulled.stderr
    objects = SERVICE.replace("IMAGE", name).replace("NEEDED", str(pods_needed))
    done = delivery.run("r1-h1", f"kubectl apply -f - <<'END'\n{objects}END")
    assert done.returncode == 0, done.stderr
    kubectl(delivery, f"-n probe rollout status deployment/probe --timeout={patience(90):.0f}s")


@contextmanager
def probed(delivery: Delivery, pods_needed: int) -> Iterator[Prober]:
    """The service, asked from here on; gone afterwards, but for the record."""
    prober = Prober(delivery)
    try:
        deploy(delivery, pods_needed)
        prober.start()
        yield prober
    finally:
        try:
            prober.stop()
        finally:
            kubectl(delivery, "delete namespace probe --ignore-not-found")


def assert_noticed(prober: Prober, gap_seconds: float, *, asked: int, figure: Figure) -> None:
    """End the probe: it asked often enough, was never blind for long, and answers were never missing for longer."""
    prober.stop()
    seen = prober.record()
    for name in ("longest_gap_seconds", "unobserved_seconds", "asked", "failed"):
        figure(f"probe_{name}", seen[name])
    print(f"probe: {seen}")
    assert seen["ended"]
    assert seen["asked"] > asked, seen
    assert seen["longest_gap_seconds"] < gap_seconds, seen
    assert seen["unobserved_seconds"] < LONGEST_GAP_SECONDS, seen


def assert_accepted(delivery: Delivery, figure: Figure) -> None:
    """Acceptance passes, and its report tells what the last event's probe saw, or one that is begun for it."""
    if not Prober(delivery).record():
        with probed(delivery, pods_needed=1) as prober:
            wait_until(lambda: prober.record()["asked"] > 10, 60)
    result = accepted(delivery, figure)
    assert re.search(rf"  probe names from {PROBER}: asked [\d,]+ · failed ", result.stdout), result.stdout
    report = delivery.folder / "build" / "report" / "shop"
    (told,) = json.loads((report / "shop.json").read_text())["probes"]
    assert told["name"] == "names"
    assert "Availability while it changed" in (report / "shop.html").read_text()

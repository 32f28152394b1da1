"""How checks talk to a Kubernetes engine: with the ``kubectl`` that its role lays down on the control plane."""

from __future__ import annotations

import json
import re
import shlex
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from greenfield.engines.kubernetes import API_PORT, RELEASES, STACKED
from greenfield.verify import scripts
from greenfield.verify.engine import EngineUnderTest, MemberUnderTest

if TYPE_CHECKING:
    from greenfield.verify.acceptance import Acceptance

PAUSE = "registry.k8s.io/pause:3.10.1"
"""The one image that every node has; what a check runs inside a pod runs in the pod's network, from the host."""

PKI = "/etc/kubernetes/pki"
ETCD_PORT = 2379

READY_SECONDS = 90.0
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Kubernetes:
    """A control plane under test, with the workers that belong to it."""

    engine: EngineUnderTest
    workers: tuple[EngineUnderTest, ...]
    etcd: EngineUnderTest | None = None
    """The etcd engine that it stores its objects in; None when it carries one of its own."""

    @classmethod
    def of(cls, engine: EngineUnderTest, acceptance: Acceptance) -> Kubernetes:
        """The control plane with what belongs to it in the run's cluster."""
        engines = acceptance.subject.cluster.engines
        workers = [
            EngineUnderTest.of(acceptance, name)
            for name, spec in engines.items()
            if spec.kind == "kubernetes-workers" and spec.options["control_plane"] == engine.name
        ]
        store = str(engine.spec.options["etcd"])
        return cls(engine, tuple(workers), None if store == STACKED else EngineUnderTest.of(acceptance, store))

    @property
    def nodes(self) -> tuple[MemberUnderTest, ...]:
        """Every member: of the control plane first, then of the workers."""
        return (*self.engine.members, *(member for engine in self.workers for member in engine.members))

    @property
    def release(self) -> str:
        """The planned release of the control plane, ``1.35.4``."""
        return RELEASES[self.engine.spec.version]

    def ctl(self, words: str, *, stdin: str = "", on: MemberUnderTest | None = None) -> str:
        """Output of ``kubectl`` on a member of the control plane (the first unless told)."""
        feed = f"printf %s {shlex.quote(stdin)} | " if stdin else ""
        out: str = (on or self.engine.members[0]).on.check_output(f"{feed}kubectl {words}")
        return out

    def get(self, words: str) -> dict[str, Any]:
        """What ``kubectl get`` returns."""
        found: dict[str, Any] = json.loads(self.ctl(f"get {words} -o json"))
        return found

    def refusal(self, words: str, *, stdin: str = "") -> str:
        """What ``kubectl`` says when it is refused.

        Raises:
            AssertionError: it was not refused.
        """
        feed = f"printf %s {shlex.quote(stdin)} | " if stdin else ""
        done = self.engine.members[0].on.run(f"{feed}kubectl {words}")
        assert done.rc != 0, f"kubectl {words} was not refused"
        return str(done.stderr)

    def node(self, name: str) -> dict[str, Any]:
        """A node."""
        return self.get(f"node {name}")

    @contextmanager
    def namespace(self, name: str, labels: dict[str, str] | None = None) -> Iterator[str]:
        """A namespace of this check alone, named after ``name``; what is in it goes away afterwards.

        Pods are taken in it: its first service account is there, which a controller makes a moment after the namespace.
        """
        name = f"greenfield-verify-{name}-{uuid.uuid4().hex[:8]}"
        self.ctl("apply -f -", stdin=json.dumps(_object("v1", "Namespace", name, labels=labels or {})))
        try:
            self.ctl(f"wait -n {name} serviceaccount/default --for=create --timeout={READY_SECONDS:.0f}s")
            yield name
        finally:
            self.ctl(f"delete namespace {name} --wait=false --ignore-not-found")

    def pod(self, namespace: str, name: str, node: str) -> dict[str, Any]:
        """A pod for a node that does nothing and may do nothing."""
        found = _object("v1", "Pod", name, namespace=namespace, labels={"check": name})
        return found | {"spec": {**IDLE, "nodeName": node}}

    def run_pod(self, namespace: str, name: str, node: str) -> str:
        """Run such a pod; its address, once it is ready.

        Raises:
            AssertionError: it does not become ready.
        """
        self.ctl("apply -f -", stdin=json.dumps(self.pod(namespace, name, node)))
        self.ctl(f"wait -n {namespace} pod/{name} --for=condition=Ready --timeout={READY_SECONDS:.0f}s")
        address: str = self.get(f"-n {namespace} pod {name}")["status"]["podIP"]
        return address

    def deployment(self, name: str, replicas: int) -> dict[str, Any]:
        """Specification of so many such pods, no two in a rack while there are racks enough."""
        labels = {"check": name}
        spread = {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": labels},
        }
        template = {"metadata": {"labels": labels}, "spec": {**IDLE, "topologySpreadConstraints": [spread]}}
        return {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}

    def apply(self, namespace: str, kind: str, name: str, spec: dict[str, Any]) -> None:
        """Create or change an object of a namespace; ``kind`` with its version, as in ``apps/v1 Deployment``."""
        version, _, what = kind.rpartition(" ")
        self.ctl("apply -f -", stdin=json.dumps(_object(version, what, name, namespace=namespace) | {"spec": spec}))

    def a_worker_of_each_rack(self) -> tuple[MemberUnderTest, ...]:
        """One worker in each rack that has any."""
        by_rack = {member.rack: member for engine in self.workers for member in engine.members}
        return tuple(by_rack.values())

    @contextmanager
    def listening(self, node: MemberUnderTest, pod: str, port: int, seconds: float) -> Iterator[None]:
        """Somebody listens in a pod's network meanwhile, for so many seconds at most."""
        settings = {"do": "listen", "port": port, "words": "here", "seconds": seconds}
        with ThreadPoolExecutor(1) as pool:
            served = pool.submit(self.inside, node.host, pod, settings, timeout=seconds + 30)
            try:
                yield
            finally:
                node.on.check_output(f"touch /run/greenfield-verify-{pod}")
            served.result()

    def inside(self, node: str, pod: str, settings: dict[str, Any], *, timeout: float = 30.0) -> Any:
        """Run the program ``pod_network`` in the network of the pod at an address, on its node."""
        where = next(member for member in self.nodes if member.host == node)
        return scripts.run(where.on, "pod_network", {"pod": pod, **settings}, timeout=timeout)

    def until(self, question: Callable[[], str], what: str, seconds: float = READY_SECONDS) -> float:
        """Ask until the answer is empty; how long it took, in seconds.

        Raises:
            AssertionError: it did not come to pass; the answer is in the words.
        """
        began = time.monotonic()
        while True:
            trouble = question()
            if not trouble:
                return time.monotonic() - began
            if time.monotonic() - began > seconds:
                raise AssertionError(f"{what} did not come about within {seconds:.0f} s: {trouble}")
            time.sleep(POLL_SECONDS)

    def ask(self, on: MemberUnderTest, address: str, port: int, paths: list[str], **more: Any) -> list[dict[str, Any]]:
        """What the API at an address answers a node, as nobody unless ``more`` names a key."""
        settings = {"do": "ask", "address": address, "port": port, "authority": f"{PKI}/ca.crt", "paths": paths, **more}
        found: list[dict[str, Any]] = scripts.run(on.on, "api_client", settings, timeout=30)
        return found

    def unwell(self) -> str:
        """Which member's API or etcd is not ready, or which node; empty when all is well."""
        for member in self.engine.members:
            (found,) = self.ask(member, member.address, API_PORT, ["/readyz"])
            if found["body"] != "ok":
                return f"API of {member.host}: {found['body'][:200]}"
        first = self.engine.members[0].on
        done = first.run(self.etcdctl("endpoint health --command-timeout=3s"))
        if done.rc:
            return f"etcd: {done.stderr.strip()[:300]}"
        done = first.run("kubectl get nodes -o json --request-timeout=5s")
        if done.rc:
            return str(done.stderr).strip()
        ready = {item["metadata"]["name"] for item in json.loads(done.stdout)["items"] if is_ready(item)}
        missing = [member.host for member in self.nodes if member.host not in ready]
        return f"nodes not ready: {', '.join(missing)}" if missing else ""

    @property
    def stacked(self) -> bool:
        """Whether the control plane carries its own etcd."""
        return bool(self.engine.spec.options["etcd"] == STACKED)

    @property
    def etcd_members(self) -> tuple[MemberUnderTest, ...]:
        """Members of the etcd that holds the cluster's objects."""
        return self.engine.members if self.etcd is None else self.etcd.members

    @property
    def etcd_environment(self) -> dict[str, str]:
        """What ``etcdctl`` on a member of the control plane needs: the API server's own way in."""
        return {
            "ETCDCTL_ENDPOINTS": ",".join(f"https://{member.address}:{ETCD_PORT}" for member in self.etcd_members),
            "ETCDCTL_CACERT": f"{PKI}/etcd/ca.crt",
            "ETCDCTL_CERT": f"{PKI}/apiserver-etcd-client.crt",
            "ETCDCTL_KEY": f"{PKI}/apiserver-etcd-client.key",
        }

    def etcdctl(self, words: str) -> str:
        """The command that asks etcd, for a member of the control plane."""
        return (
            " ".join(f"{key}={value}" for key, value in self.etcd_environment.items()) + f" {self.bin}/etcdctl {words}"
        )

    @property
    def bin(self) -> str:
        """Folder of the release's binaries on the control plane."""
        script = "sed -n 's|^exec \\(.*\\)/kubectl .*|\\1|p' /usr/local/bin/kubectl"
        found: str = self.engine.members[0].on.check_output(script)
        return found

    def flags(self, member: MemberUnderTest, program: str) -> dict[str, str]:
        """Flags that a program of the control plane runs with on a member, without their dashes."""
        pid = f"$(pgrep -o -f '^{program} --')"
        return parse_flags(member.on.check_output(f"tr '\\0' '\\n' < /proc/{pid}/cmdline"))

    def kubelet(self, node: str) -> dict[str, Any]:
        """The configuration that a node's kubelet runs with."""
        found: dict[str, Any] = json.loads(self.ctl(f"get --raw /api/v1/nodes/{node}/proxy/configz"))["kubeletconfig"]
        return found


RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65535,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What a container may not do, by the strictest Pod Security level."""

IDLE = {
    "terminationGracePeriodSeconds": 1,
    "automountServiceAccountToken": False,
    "containers": [{"name": "pause", "image": PAUSE, "securityContext": RESTRICTED}],
}
"""A pod that only has a network."""


def is_ready(node: dict[str, Any]) -> bool:
    """Whether a node says that it is ready."""
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in node["status"]["conditions"])


def parse_memory(text: str) -> int:
    """Bytes of a quantity of memory as Kubernetes writes it: ``1Gi``, ``308484Ki``, ``1048576``."""
    powers = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}
    return int(text[:-2]) << powers[text[-2:]] if text[-2:] in powers else int(text)


def period(timer: str) -> int:
    """Seconds between the runs of a systemd timer by its unit files; 0 where none says so (a later one counts)."""
    found: list[str] = re.findall(r"^OnUnitActiveSec=(\d+)s$", timer, re.MULTILINE)
    return int(found[-1]) if found else 0


def parse_flags(text: str) -> dict[str, str]:
    """Flags of a command line, one word a line: ``--profiling=false`` and ``--profiling`` alike."""
    words = [line[2:] for line in text.splitlines() if line.startswith("--")]
    return {name: value if equals else "true" for name, equals, value in (word.partition("=") for word in words)}


def _object(version: str, kind: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}

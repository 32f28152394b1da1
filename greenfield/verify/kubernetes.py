"""How checks talk to a Kubernetes engine: with the ``kubectl`` that its role lays down on the control plane."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from greenfield.engines.kubernetes import LOCAL_API_PORT, RELEASES
from greenfield.errors import VerifyError
from greenfield.verify import scripts
from greenfield.verify.engine import EngineUnderTest, MemberUnderTest

PAUSE = "registry.k8s.io/pause:3.10.1"
"""The one image that every node has; what a check runs inside a pod runs in the pod's network, from the host."""

READY_SECONDS = 90.0
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Kubernetes:
    """A control plane under test, with the workers that belong to it."""

    engine: EngineUnderTest
    workers: tuple[EngineUnderTest, ...]

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
        """A namespace of this check alone; what is in it goes away afterwards."""
        self.ctl("apply -f -", stdin=json.dumps(_object("v1", "Namespace", name, labels=labels or {})))
        try:
            yield name
        finally:
            self.ctl(f"delete namespace {name} --wait=false")

    def run_pod(self, namespace: str, name: str, node: str, labels: dict[str, str] | None = None) -> str:
        """A pod on a node that does nothing; its address, once it is ready.

        Raises:
            AssertionError: it does not become ready.
        """
        pod = _object("v1", "Pod", name, labels={"check": name, **(labels or {})})
        pod["metadata"]["namespace"] = namespace
        pod["spec"] = {
            "nodeName": node,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "containers": [{"name": "pause", "image": PAUSE, "securityContext": RESTRICTED}],
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        }
        self.ctl("apply -f -", stdin=json.dumps(pod))
        self.ctl(f"wait -n {namespace} pod/{name} --for=condition=Ready --timeout={READY_SECONDS:.0f}s")
        address: str = self.get(f"-n {namespace} pod {name}")["status"]["podIP"]
        return address

    def inside(self, node: str, pod: str, settings: dict[str, Any], *, timeout: float = 30.0) -> Any:
        """Run the program ``pod_network`` in the network of the pod at an address, on its node."""
        where = next(member for member in self.nodes if member.host == node)
        return scripts.run(where.on, "pod_network", {"pod": pod, **settings}, timeout=timeout)

    def until(self, question: Callable[[], str], what: str, seconds: float = READY_SECONDS) -> float:
        """Ask until the answer is empty; how long it took, in seconds.

        Raises:
            VerifyError: it did not come to pass; the answer is in the words.
        """
        began = time.monotonic()
        while True:
            trouble = question()
            if not trouble:
                return time.monotonic() - began
            if time.monotonic() - began > seconds:
                raise VerifyError(f"{what} did not come about within {seconds:.0f} s: {trouble}")
            time.sleep(POLL_SECONDS)

    def unwell(self) -> str:
        """Which member's API is not ready, or which node; empty when all is well."""
        for member in self.engine.members:
            done = member.on.run(f"curl -sk --max-time 3 https://{member.address}:6443/readyz")
            if done.stdout.strip() != "ok":
                return f"API of {member.host}: {done.stdout.strip()[:200] or 'no answer'}"
        done = self.engine.members[0].on.run("kubectl get nodes -o json --request-timeout=5s")
        if done.rc:
            return str(done.stderr).strip()
        ready = {item["metadata"]["name"] for item in json.loads(done.stdout)["items"] if is_ready(item)}
        missing = [member.host for member in self.nodes if member.host not in ready]
        return f"nodes not ready: {', '.join(missing)}" if missing else ""

    @property
    def local_api(self) -> str:
        """Where a node finds the API."""
        return f"https://127.0.0.1:{LOCAL_API_PORT}"


RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65535,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""What a container may not do, by the strictest Pod Security level."""


def is_ready(node: dict[str, Any]) -> bool:
    """Whether a node says that it is ready."""
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in node["status"]["conditions"])


def _object(version: str, kind: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}

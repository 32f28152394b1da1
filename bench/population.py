"""Makes the benchmark's namespaces, nodes and pods, waits for them, and deletes all of them again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bench import fake
from bench.api import NAMES_ONLY, Api, Json, in_parallel
from bench.fake import CHUNK, MARK
from bench.process import BenchError

THREADS = 8
PAGE = 500
POLL_SECONDS = 2.0
DEADLINE_SECONDS = 1800.0
SAID_SECONDS = 10.0
MARKED = f"labelSelector={quote(f'{MARK}=fake')}"
NODES, PODS, LEASES = "/api/v1/nodes", "/api/v1/pods", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """How long it took, in seconds."""

    nodes: float
    nodes_ready: float
    pods: float
    pods_running: float


class Population:
    """What the benchmark has on a cluster."""

    def __init__(self, api: Api, say: Say, alive: Callable[[], None] = lambda: None) -> None:
        self._api, self._say, self._alive = api, say, alive

    def make(self, nodes: int, pods: int, racks: Sequence[str], site: str) -> Made:
        """Nodes, then pods on them, each until kwok has made them ready.

        Raises:
            BenchError: a request was refused, kwok ended, or something did not get ready in time.
        """
        self.make_namespaces()
        began = time.monotonic()
        self._create("nodes", NODES, [fake.node(index, racks, site) for index in range(nodes)])
        created = time.monotonic()
        self._until("nodes to be ready", self.unready_nodes)
        ready = time.monotonic()
        self._create("pods", "", [fake.pod(index, nodes) for index in range(pods)])
        placed = time.monotonic()
        self._until("pods to run", self.pods_not_running)
        return Made(created - began, ready - began, placed - ready, time.monotonic() - ready)

    def make_namespaces(self) -> None:
        """The namespaces, and the service account in each that pods need."""
        for name in fake.namespaces():
            self._api.ask("POST", "/api/v1/namespaces", fake.namespace(name))
        self._until("the namespaces' service accounts", lambda: sum(map(self._accountless, fake.namespaces())))

    def schedule(self, count: int) -> float:
        """Have the real scheduler place pods on the nodes; seconds until the last one is bound."""
        place = fake.namespaces()[0]
        path = f"/api/v1/namespaces/{place}/pods"
        began = time.monotonic()
        bodies = [fake.pod_named(place, f"scheduled-{index:04d}", "scheduled") for index in range(count)]
        self._create("pods for the scheduler", path, bodies)
        unbound = f"{path}?fieldSelector={quote('spec.nodeName=')}&labelSelector={quote(f'{CHUNK}=scheduled')}"
        self._until("pods to be scheduled", lambda: self._count(unbound), poll_seconds=0.2)
        return time.monotonic() - began

    def unready_nodes(self) -> int:
        """How many of the benchmark's nodes are not ready."""
        found = self._api.ask("GET", f"{NODES}?{MARKED}")["items"]
        return sum(not _ready(node) for node in found)

    def pods_not_running(self) -> int:
        """How many of the benchmark's pods do not run, of the first hundreds."""
        return self._count(f"{PODS}?{MARKED}&fieldSelector={quote('status.phase!=Running')}")

    def remove(self) -> None:
        """Delete all that is marked as the benchmark's, whichever run has made it, and wait until it is gone.

        Raises:
            BenchError: something is still there at the deadline.
        """
        self._say("deleting pods, nodes and namespaces of the benchmark")
        spaces = self._names(f"/api/v1/namespaces?{MARKED}")
        for space in spaces:
            self._empty("pods", f"/api/v1/namespaces/{space}/pods")
        self._empty("nodes", NODES)
        self.remove_leases()
        for space in spaces:
            self._api.ask("DELETE", f"/api/v1/namespaces/{space}", fine=(404, 409))
        self._until("namespaces to go", lambda: self._count(f"/api/v1/namespaces?{MARKED}"))

    def remove_leases(self) -> None:
        """Delete the leases of nodes that were the benchmark's; the garbage collector would, some minutes later."""
        ours = [name for name in self._names(LEASES) if name.startswith(f"{fake.PREFIX}-")]
        in_parallel(lambda name: self._api.ask("DELETE", f"{LEASES}/{name}", fine=(404,)), ours, THREADS)

    def _create(self, what: str, path: str, bodies: list[Json]) -> None:
        done, said = 0, time.monotonic()

        def create(body: Json) -> None:
            nonlocal done, said
            at = path or f"/api/v1/namespaces/{body['metadata']['namespace']}/pods"
            # One that was made although its answer was lost is there when it is asked for again.
            self._api.ask("POST", at, body, fine=(409,))
            done += 1
            if time.monotonic() > said + SAID_SECONDS:
                said = time.monotonic()
                self._alive()
                self._say(f"{done:,} of {len(bodies):,} {what} made")

        in_parallel(create, bodies, THREADS)
        self._say(f"{len(bodies):,} {what} made")

    def _until(self, what: str, left: Callable[[], int], poll_seconds: float = POLL_SECONDS) -> None:
        deadline, said = time.monotonic() + DEADLINE_SECONDS, time.monotonic()
        while remaining := left():
            self._alive()
            if time.monotonic() > deadline:
                raise BenchError(f"waited {DEADLINE_SECONDS:.0f} s for {what}; {remaining} or more are left")
            if time.monotonic() > said + SAID_SECONDS:
                said = time.monotonic()
                self._say(f"waiting for {what}: {remaining}{' or more' if remaining == PAGE else ''} left")
            time.sleep(poll_seconds)

    def _empty(self, what: str, path: str) -> None:
        """Delete a list's marked objects, part by part."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        now: Json = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        while items := self._items(f"{path}?{MARKED}&limit={PAGE}"):
            if time.monotonic() > deadline:
                raise BenchError(f"{path} still has {what} of the benchmark after {DEADLINE_SECONDS:.0f} s")
            parts = sorted({item["metadata"]["labels"].get(CHUNK, "") for item in items})
            self._say(
                f"deleting {what}: {path.partition('/v1/')[2]} has {len(items)}{' or more' * (len(items) == PAGE)}"
            )
            marks = [quote(f"{MARK}=fake,{CHUNK}={part}") for part in parts]
            in_parallel(lambda mark: self._api.ask("DELETE", f"{path}?labelSelector={mark}", now), marks, THREADS)

    def _accountless(self, space: str) -> int:
        return 0 if self._api.ask("GET", f"/api/v1/namespaces/{space}/serviceaccounts/default", fine=(404,)) else 1

    def _count(self, path: str) -> int:
        return len(self._items(f"{path}&limit={PAGE}"))

    def _names(self, path: str) -> list[str]:
        return [item["metadata"]["name"] for item in self._items(path)]

    def _items(self, path: str) -> list[dict[str, Any]]:
        return list(self._api.ask("GET", path, accept=NAMES_ONLY).get("items") or [])


def _ready(node: Json) -> bool:
    conditions = node.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

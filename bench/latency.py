"""How fast an API server answers, beside what Kubernetes promises.

The promise is kubernetes/community, sig-scalability/slos/api_call_latency.md: the 99th percentile of mutating calls on
single objects, and of reads of single objects, is one second at most, that of lists 30 seconds (once five for those of
a namespace). It counts what the server takes without webhooks and queueing; we measure at the client, which is more.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench import fake
from bench.api import Api
from bench.table import Row, seconds

SINGLE_SECONDS, LIST_SECONDS = 1.0, 30.0
PER_SECOND = 20.0
"""Requests a second at most: what the promise calls a steady state (sig-scalability/slos/slos.md)."""

MERGE = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds of many requests of the same kind, and the bound of their 99th percentile."""

    what: str
    seconds: tuple[float, ...]
    bound: float

    def percentile(self, share: float) -> float:
        """The smallest value that so large a share of all is not above (nearest rank)."""
        return percentile(self.seconds, share)

    def row(self) -> Row:
        """For the page."""
        p50, p90, p99 = (milliseconds(self.percentile(share)) for share in (0.5, 0.9, 0.99))
        return Row(
            f"{self.what} (n={len(self.seconds)}): p50, p90, p99",
            f"{p50}, {p90}, {p99}",
            goal=f"p99 ≤ {self.bound:.0f} s",
            met=self.percentile(0.99) <= self.bound,
        )


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest-rank percentile of at least one value."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def milliseconds(value: float) -> str:
    """A short duration for people, from seconds."""
    return f"{value * 1000:.1f} ms" if value < 0.01 else f"{value * 1000:.0f} ms" if value < 1 else seconds(value)


@dataclass(frozen=True, slots=True)
class Samples:
    """How many requests of each kind are measured."""

    singles: int = 500
    of_namespace: int = 100
    of_cluster: int = 30


def measure(api: Api, nodes: int, pods: int, samples: Samples, say: Callable[[str], None]) -> list[Latencies]:
    """One client asks, one request after the other, while everything stands."""
    asking = _Asking(api, nodes, pods)
    kinds: list[tuple[str, float, int, Callable[[str], float]]] = [
        ("get a pod", SINGLE_SECONDS, samples.singles, asking.get),
        ("create a pod", SINGLE_SECONDS, samples.singles, asking.create),
        ("patch a pod", SINGLE_SECONDS, samples.singles, asking.patch),
        ("delete a pod", SINGLE_SECONDS, samples.singles, asking.delete),
        (f"list a namespace of {pods // fake.NAMESPACES:,} pods", LIST_SECONDS, samples.of_namespace, asking.list_own),
        (f"list all {pods:,} pods", LIST_SECONDS, samples.of_cluster, lambda _: asking.list_all("pods")),
        (f"list all {nodes:,} nodes", LIST_SECONDS, samples.of_cluster, lambda _: asking.list_all("nodes")),
    ]
    found = []
    for what, bound, count, ask in kinds:
        names = [f"probe-{index:05d}" for index in range(count)]
        found.append(Latencies(what, tuple(ask(name) for name in _paced(names)), bound))
        say(f"{what}: p99 {milliseconds(found[-1].percentile(0.99))}")
    return found


class _Asking:
    """Requests of each kind; each gives the seconds that it took."""

    def __init__(self, api: Api, nodes: int, pods: int) -> None:
        self._api, self._nodes, self._pods = api, nodes, pods
        self._chance = random.Random(1)
        self._space = fake.namespaces()[0]
        self._own = f"/api/v1/namespaces/{self._space}/pods"

    def get(self, _: str) -> float:
        return self._api.timed("GET", self._some_pod())[0]

    def create(self, name: str) -> float:
        node = fake.node_name(self._chance.randrange(self._nodes))
        return self._api.timed("POST", self._own, fake.pod_named(self._space, name, "probe", node))[0]

    def patch(self, _: str) -> float:
        change = {"metadata": {"annotations": {"greenfield.io/asked": str(self._chance.random())}}}
        return self._api.timed("PATCH", self._some_pod(), change, content=MERGE)[0]

    def delete(self, name: str) -> float:
        return self._api.timed("DELETE", f"{self._own}/{name}", {"gracePeriodSeconds": 0})[0]

    def list_own(self, _: str) -> float:
        return self._api.timed("GET", self._own)[0]

    def list_all(self, what: str) -> float:
        return self._api.timed("GET", f"/api/v1/{what}")[0]

    def _some_pod(self) -> str:
        place, name = fake.pod_place(self._chance.randrange(self._pods))
        return f"/api/v1/namespaces/{place}/pods/{name}"


def _paced(names: Sequence[str]) -> Iterator[str]:
    """Not more than ``PER_SECOND`` of them."""
    for name in names:
        began = time.monotonic()
        yield name
        time.sleep(max(0.0, began + 1 / PER_SECOND - time.monotonic()))

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
    chance = random.Random(1)
    space = fake.namespaces()[0]
    own = f"/api/v1/namespaces/{space}/pods"
    probes = [f"probe-{index:05d}" for index in range(samples.singles)]

    def some_pod() -> str:
        place, name = fake.pod_place(chance.randrange(pods))
        return f"/api/v1/namespaces/{place}/pods/{name}"

    def create(name: str) -> float:
        return api.timed("POST", own, fake.pod_named(space, name, "probe", fake.node_name(chance.randrange(nodes))))[0]

    def patch(_: str) -> float:
        change = {"metadata": {"annotations": {"greenfield.io/asked": str(chance.random())}}}
        return api.timed("PATCH", some_pod(), change, content=MERGE)[0]

    def delete(name: str) -> float:
        return api.timed("DELETE", f"{own}/{name}", {"gracePeriodSeconds": 0})[0]

    found = []
    kinds: list[tuple[str, float, Callable[[str], float], Sequence[str]]] = [
        ("get a pod", SINGLE_SECONDS, lambda _: api.timed("GET", some_pod())[0], probes),
        ("create a pod", SINGLE_SECONDS, create, probes),
        ("patch a pod", SINGLE_SECONDS, patch, probes),
        ("delete a pod", SINGLE_SECONDS, delete, probes),
        (
            f"list a namespace of {pods // fake.NAMESPACES:,} pods",
            LIST_SECONDS,
            lambda _: api.timed("GET", own)[0],
            probes[: samples.of_namespace],
        ),
        (
            f"list all {pods:,} pods",
            LIST_SECONDS,
            lambda _: api.timed("GET", "/api/v1/pods")[0],
            probes[: samples.of_cluster],
        ),
        (
            f"list all {nodes:,} nodes",
            LIST_SECONDS,
            lambda _: api.timed("GET", "/api/v1/nodes")[0],
            probes[: samples.of_cluster],
        ),
    ]
    for what, bound, ask, names in kinds:
        found.append(Latencies(what, tuple(ask(name) for name in _paced(names)), bound))
        say(f"{what}: p99 {milliseconds(found[-1].percentile(0.99))}")
    return found


def _paced(names: Sequence[str]) -> Iterator[str]:
    """Not more than ``PER_SECOND`` of them."""
    for name in names:
        began = time.monotonic()
        yield name
        time.sleep(max(0.0, began + 1 / PER_SECOND - time.monotonic()))

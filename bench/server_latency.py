"""The API servers' own count of how fast they answered everyone: ``apiserver_request_sli_duration_seconds``.

That is the indicator of Kubernetes' promise itself: without webhooks and queueing, of all clients.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.latency import LIST_SECONDS, SINGLE_SECONDS, milliseconds
from bench.table import Row

METRIC = "apiserver_request_sli_duration_seconds_bucket"
LINE = re.compile(rf"^{METRIC}{{(.*)}} (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
MUTATING = ("POST", "PUT", "PATCH", "DELETE", "APPLY")
FEWEST = 100
"""Requests of a kind that a 99th percentile is told of."""


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """Requests that the promise counts together."""

    verb: str
    resource: str
    scope: str

    @property
    def promise(self) -> str:
        """Which part of the promise it falls under; empty for none (watches, collections, discovery)."""
        if self.verb in MUTATING and self.scope == "resource":
            return "changes of single objects"
        if self.verb == "GET" and self.scope == "resource":
            return "reads of single objects"
        return "lists" if self.verb == "LIST" and self.scope in ("namespace", "cluster") else ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


Buckets = Mapping[Kind, Mapping[float, float]]
"""Of each kind: upper bound in seconds to the number of requests up to it."""


def parse(texts: Iterable[str]) -> Buckets:
    """The histograms of several servers' metrics, summed."""
    found: dict[Kind, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for text in texts:
        for labels, count in LINE.findall(text):
            named = dict(LABEL.findall(labels))
            if not named["resource"] or _foreign(named["group"]):
                continue
            name = named["resource"] + (f"/{named['subresource']}" if named["subresource"] else "")
            found[Kind(named["verb"], name, named["scope"])][float(named["le"])] += float(count)
    return found


def _foreign(group: str) -> bool:
    """Aggregated ones and custom resources are not promised for."""
    return group in ("metrics.k8s.io", "custom.metrics.k8s.io") or ("." in group and not group.endswith(".k8s.io"))


def since(before: Buckets, after: Buckets) -> Buckets:
    """What came between two looks."""
    return {
        kind: {bound: count - before.get(kind, {}).get(bound, 0.0) for bound, count in buckets.items()}
        for kind, buckets in after.items()
    }


def quantile(buckets: Mapping[float, float], share: float) -> float:
    """As Prometheus' ``histogram_quantile``: linear within a bucket, the last bound where it is in the last bucket."""
    bounds = sorted(buckets)
    wanted = share * buckets[bounds[-1]]
    low = below = 0.0
    for bound in bounds:
        if buckets[bound] >= wanted:
            if bound == float("inf"):
                return low
            inside = buckets[bound] - below
            return low + (bound - low) * ((wanted - below) / inside if inside else 0.0)
        low, below = bound, buckets[bound]
    return low


def rows(found: Buckets) -> list[Row]:
    """For each part of the promise, the slowest kind of request that was made often enough."""
    worst: dict[str, list[tuple[float, Kind, float]]] = defaultdict(list)
    for kind, buckets in found.items():
        count = buckets[max(buckets)]
        if kind.promise and count >= FEWEST:
            worst[kind.promise].append((quantile(buckets, 0.99), kind, count))
    made = []
    for promise, bound in (
        ("changes of single objects", SINGLE_SECONDS),
        ("reads of single objects", SINGLE_SECONDS),
        ("lists", LIST_SECONDS),
    ):
        if worst[promise]:
            p99, kind, count = max(worst[promise])
            made.append(
                Row(
                    f"· all clients' {promise}, by the servers' own count: p99 of the slowest of "
                    f"{len(worst[promise])} kinds ({kind}, n={count:,.0f})",
                    _told(p99, found[kind]),
                    goal=f"p99 ≤ {bound:.0f} s",
                    met=p99 <= bound,
                )
            )
    return made


def _told(p99: float, buckets: Mapping[float, float]) -> str:
    """What lies in the first bucket is only known to be below its bound."""
    first = min(buckets)
    return f"< {milliseconds(first)}" if p99 <= first else milliseconds(p99)

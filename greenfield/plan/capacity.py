"""Whether an engine's limits carry the demand stated for it, and for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass

from greenfield.engines import ENGINES
from greenfield.model.cluster import Cluster
from greenfield.model.problem import Problem
from greenfield.plan.words import size


@dataclass(frozen=True, slots=True)
class Runway:
    """How full an engine is with the demand of today.

    Attributes:
        resource: what fills up, e.g. ``memory``.
        months: until it is full at the stated growth; 0 when it is now, ``None`` when it never is.
    """

    engine: str
    resource: str
    needed_bytes: float
    limit_bytes: float
    months: float | None


def runways(cluster: Cluster) -> list[Runway]:
    """The runway of each engine that states a demand and has a capacity model."""
    found = []
    for name, engine in cluster.engines.items():
        capacity = ENGINES[engine.kind].capacity(engine)
        if capacity is not None:
            growth = engine.demand.growth_per_month
            months = _months(capacity.needed_bytes, capacity.limit_bytes, growth)
            found.append(Runway(name, capacity.resource, capacity.needed_bytes, capacity.limit_bytes, months))
    return found


def _months(needed: float, limit: float, growth: float) -> float | None:
    if needed >= limit:
        return 0.0
    if growth <= 0 or needed <= 0:
        return None
    return math.log(limit / needed) / math.log1p(growth)


def capacity_problems(cluster: Cluster) -> list[Problem]:
    """A warning for each engine whose demand does not fit today."""
    return [
        Problem(
            ("Cluster", cluster.name, "spec", "engines", runway.engine, "demand"),
            f"demand needs {size(runway.needed_bytes)} of {runway.resource}; the engine has {size(runway.limit_bytes)}",
            f"raise its {runway.resource} or add shards",
            "demand-over-capacity",
            "warning",
        )
        for runway in runways(cluster)
        if runway.needed_bytes > runway.limit_bytes
    ]

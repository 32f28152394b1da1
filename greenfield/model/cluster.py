"""A cluster: node pools out of a site's hosts, and engines on the pools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Spread:
    """At most ``at_most`` hosts of a pool in one failure domain of the kind ``over``."""

    over: Literal["rack"]
    at_most: int


@dataclass(frozen=True, slots=True)
class NodePool:
    """``count`` hosts of one hardware class whose labels contain ``labels``."""

    name: str
    hardware: str
    count: int
    labels: Mapping[str, str]
    spread: Spread | None


@dataclass(frozen=True, slots=True)
class DataProtection:
    """Who owns the data, how it is classed, and what may be lost and for how long."""

    owner: str
    data_class: str
    rpo_seconds: int
    rto_seconds: int
    retention_seconds: int


@dataclass(frozen=True, slots=True)
class Slo:
    """What the engine promises. ``commit_p99_seconds`` is the 99th percentile of a durable write."""

    availability: float | None = None
    commit_p99_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What users will ask of the engine. ``growth_per_month`` is a ratio (0.04 is 4 % a month)."""

    reads_per_second: float = 0.0
    writes_per_second: float = 0.0
    item_bytes: int = 0
    items: float = 0.0
    growth_per_month: float = 0.0


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """One engine (a distributed system instance) as the spec asks for it.

    Attributes:
        kind: engine kind, a key of ``greenfield.engines.ENGINES``.
        options: the keys of the engine kind's own schema, quantities parsed to base units
            (bytes, seconds, ratios), snake_case, defaults filled in.
        accept_loss: failure domains (``rack``, ``feed``, ``tor``, ``host``) whose loss the owner accepts by name.
        wipe: the engine's own name, typed here, lets it be deleted with its data.
    """

    name: str
    kind: str
    version: str
    pool: str
    options: Mapping[str, Any]
    data_protection: DataProtection | None = None
    slo: Slo = Slo()
    demand: Demand = Demand()
    depends_on: tuple[str, ...] = ()
    accept_loss: frozenset[str] = frozenset()
    wipe: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Waiver:
    """A control that need not pass for a while, with who answers for it. Empty ``hosts`` means every host."""

    control: str
    owner: str
    reason: str
    until: date
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pki:
    """Lifetimes of certificates; one is renewed when less than ``renew_before_seconds`` of it is left."""

    lifetime_seconds: int = 90 * 86400
    renew_before_seconds: int = 30 * 86400


@dataclass(frozen=True, slots=True)
class Cluster:
    """A whole cluster. Mappings are keyed by name, in spec order."""

    name: str
    site: str
    standard: str
    node_pools: Mapping[str, NodePool]
    engines: Mapping[str, EngineSpec]
    waivers: tuple[Waiver, ...] = ()
    pki: Pki = Pki()

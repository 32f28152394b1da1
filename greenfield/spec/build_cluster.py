"""From the document of a cluster to its model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from greenfield.engines import ENGINES, STANDALONE
from greenfield.model.cluster import Cluster, DataProtection, Demand, EngineSpec, NodePool, Pki, Slo, Spread, Waiver
from greenfield.model.problem import SpecPath
from greenfield.model.quantity import BYTES, COUNT, DIMENSIONS, DURATION, GROWTH, PERCENT, RATE
from greenfield.spec.draft import Draft
from greenfield.spec.schema import engine_schema, follow


@dataclass(frozen=True, slots=True)
class BuiltCluster:
    """A cluster's model and the document it came from; complete only when no problem is an error."""

    cluster: Cluster
    draft: Draft


def build(draft: Draft) -> BuiltCluster:
    """The cluster in a document; what is wrong goes into the draft's problems."""
    engines = {name: _engine(draft, name, raw) for name, raw in draft.entities("engines")}
    pools = {name: _pool(name, raw) for name, raw in draft.entities("nodePools")}
    cluster = Cluster(
        name=draft.name,
        site=draft.text("site"),
        standard=draft.text("standard"),
        node_pools=pools,
        engines=engines,
        waivers=_waivers(draft),
        pki=_pki(draft),
    )
    return BuiltCluster(cluster, draft)


def _pool(name: str, raw: Mapping[str, Any]) -> NodePool:
    spread = raw.get("spread")
    return NodePool(
        name=name,
        hardware=raw["hardware"],
        count=raw["count"],
        labels=raw.get("labels", {}),
        spread=Spread(spread.get("over", "rack"), spread["atMost"]) if spread else None,
    )


def _waivers(draft: Draft) -> tuple[Waiver, ...]:
    found = []
    raw_waivers = draft.document.spec.get("waivers")
    for index, raw in enumerate(raw_waivers if isinstance(raw_waivers, list) else ()):
        if not draft.usable("waivers", index):
            continue
        try:
            until = date.fromisoformat(raw["until"])
        except ValueError as error:
            draft.add(("waivers", index, "until"), f"{raw['until']} is no day: {error}", "e.g. 2027-01-31", "date")
            continue
        found.append(Waiver(raw["control"], raw["owner"], raw["reason"], until, tuple(raw.get("hosts", ()))))
    return tuple(found)


def _pki(draft: Draft) -> Pki:
    raw, usual = draft.section("pki"), Pki()
    lifetime, before = raw.get("lifetime"), raw.get("renewBefore")
    pki = Pki(
        int(draft.quantity(lifetime, DURATION, ("pki", "lifetime"))) if lifetime else usual.lifetime_seconds,
        int(draft.quantity(before, DURATION, ("pki", "renewBefore"))) if before else usual.renew_before_seconds,
    )
    if pki.renew_before_seconds >= pki.lifetime_seconds:
        message = "a certificate would be renewed before it is made: renewBefore is not less than lifetime"
        draft.add(("pki", "renewBefore" if before else "lifetime"), message, "make renewBefore shorter", "pki-lifetime")
    return pki


def _engine(draft: Draft, name: str, raw: Mapping[str, Any]) -> EngineSpec:
    at: SpecPath = ("engines", name)
    options = _options(draft, at, raw)
    return EngineSpec(
        name=name,
        kind=raw["kind"],
        version=raw["version"],
        pool=raw["pool"],
        options=options,
        data_protection=_protection(draft, (*at, "dataProtection"), raw.get("dataProtection")),
        slo=_slo(draft, (*at, "slo"), raw.get("slo", {})),
        demand=_demand(draft, (*at, "demand"), raw.get("demand", {})),
        depends_on=tuple(dict.fromkeys((*raw.get("dependsOn", ()), *referred(raw["kind"], options)))),
        accept_loss=frozenset(raw.get("acceptLoss", ())),
        wipe=frozenset(raw.get("wipe", ())),
    )


def referred(kind: str, options: Mapping[str, Any]) -> list[str]:
    """Engines that an engine's options name: they stand first, also where ``dependsOn`` does not say so."""
    named = [str(options[option]) for option in ENGINES[kind].references]
    return [name for name in named if name not in STANDALONE]


def snake(key: str) -> str:
    """``memoryPolicy`` as the model writes it: ``memory_policy``."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def _options(draft: Draft, at: SpecPath, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of the kind's own schema in base units, with their defaults."""
    options: dict[str, Any] = {}
    for key, schema in engine_schema(raw["kind"])["properties"].items():
        said = follow(schema)
        value = raw.get(key, said.get("default"))
        dimension = DIMENSIONS.get(str(said.get("x-dimension")))
        if dimension and value is not None:
            value = draft.quantity(value, dimension, (*at, key))
        if str(schema.get("$ref")).endswith("/cidr"):
            # A default stands in for what could not be read, so that the rest is judged too.
            value = str(draft.network(value, (*at, key)) or said["default"])
        options[snake(key) + (dimension.suffix if dimension else "")] = value
    return options


def _protection(draft: Draft, at: SpecPath, raw: Mapping[str, Any] | None) -> DataProtection | None:
    if raw is None:
        return None
    rpo = draft.quantity(raw["rpo"], DURATION, (*at, "rpo"))
    rto = draft.quantity(raw["rto"], DURATION, (*at, "rto"))
    retention = draft.quantity(raw["retention"], DURATION, (*at, "retention"))
    if retention < rpo:
        message = (
            f"backups made every {raw['rpo']} are kept for {raw['retention']} only: most of the time there is none"
        )
        draft.add((*at, "retention"), message, f"keep them for {raw['rpo']} or longer", "retention")
    return DataProtection(raw["owner"], raw["class"], int(rpo), int(rto), int(retention))


def _slo(draft: Draft, at: SpecPath, raw: Mapping[str, Any]) -> Slo:
    available, commit = raw.get("availability"), raw.get("commitP99")
    return Slo(
        draft.quantity(available, PERCENT, (*at, "availability")) if available else None,
        draft.quantity(commit, DURATION, (*at, "commitP99")) if commit else None,
    )


def _demand(draft: Draft, at: SpecPath, raw: Mapping[str, Any]) -> Demand:
    return Demand(
        reads_per_second=draft.quantity(raw.get("reads", "0/s"), RATE, (*at, "reads"), positive=False),
        writes_per_second=draft.quantity(raw.get("writes", "0/s"), RATE, (*at, "writes"), positive=False),
        item_bytes=int(draft.quantity(raw["item"], BYTES, (*at, "item"))) if "item" in raw else 0,
        items=draft.quantity(raw.get("items", 0), COUNT, (*at, "items"), positive=False),
        growth_per_month=draft.quantity(raw.get("growth", "0%/month"), GROWTH, (*at, "growth"), positive=False),
    )

"""Engines that refer to each other, and the networks that they make inside the cluster."""

from __future__ import annotations

import re
from ipaddress import ip_network
from itertools import combinations

from greenfield.engines import ENGINES, STANDALONE
from greenfield.model.cluster import EngineSpec
from greenfield.spec.build_cluster import BuiltCluster
from greenfield.spec.build_site import BuiltSite


def check_references(built: BuiltCluster, site: BuiltSite | None) -> None:
    """Adds what is wrong between an engine and the engine it names, and between networks, to the draft's problems."""
    for engine in built.cluster.engines.values():
        for option, kind in ENGINES[engine.kind].references.items():
            other = _named(built, engine, option, kind)
            if other is not None and option == ENGINES[engine.kind].belongs_to:
                _skew(built, engine, other)
    _overlaps(built, site)


def _named(built: BuiltCluster, engine: EngineSpec, option: str, kind: str) -> EngineSpec | None:
    name, at = str(engine.options[option]), ("engines", engine.name, camel(option))
    if name in STANDALONE:
        return None
    if not built.draft.known(name, built.draft.names("engines"), "the engine", at, "unknown-dependency"):
        return None
    other = built.cluster.engines.get(name)
    if other is not None and other.kind != kind:
        fitting = [each.name for each in built.cluster.engines.values() if each.kind == kind]
        message = f"{name} is of kind {other.kind}; this has to name an engine of kind {kind}"
        fix = f"name one of {', '.join(fitting)}" if fitting else f"add an engine of kind {kind}"
        built.draft.add(at, message, fix, "wrong-reference")
        return None
    return other


def _skew(built: BuiltCluster, engine: EngineSpec, head: EngineSpec) -> None:
    known, lag = set(ENGINES[engine.kind].versions), ENGINES[engine.kind].lag
    if not {engine.version, head.version} <= known:
        return
    own, its = _minor(engine.version), _minor(head.version)
    at = ("engines", engine.name, "version")
    if own > its:
        message = f"{engine.name} ({engine.version}) would be newer than its control plane {head.name} ({head.version})"
        fix = f'raise {head.name} first, or version: "{head.version}" here'
        built.draft.add(at, message, fix, "version-skew")
    elif its - own > lag:
        message = f"{engine.name} ({engine.version}) is {its - own} minor versions older than {head.name}"
        built.draft.add(at, message, f"at most {lag} are supported; raise it", "version-skew")


def _minor(version: str) -> int:
    return int(version.split(".")[1])


def _overlaps(built: BuiltCluster, site: BuiltSite | None) -> None:
    """Networks inside the cluster overlap neither each other nor a network of hosts."""
    found = [
        (engine.name, key, ip_network(str(engine.options[key])))
        for engine in built.cluster.engines.values()
        for key in engine.options
        if key.endswith("_network")
    ]
    for (one, first, mine), (other, second, theirs) in combinations(found, 2):
        if mine.overlaps(theirs):
            which = camel(first) if one == other else f"{camel(first)} of {one}"
            message = f"{theirs} overlaps {which} ({mine})"
            built.draft.add(("engines", other, camel(second)), message, "use another range", "overlapping-network")
    for network in site.site.networks.values() if site is not None else ():
        for name, key, inner in found:
            if inner.overlaps(network.cidr):
                message = f"{inner} overlaps network {network.name} of site {site.site.name} ({network.cidr})"  # type: ignore[union-attr]
                fix = "use a range in which no host stands"
                built.draft.add(("engines", name, camel(key)), message, fix, "overlapping-network")


def camel(key: str) -> str:
    """``pod_network`` as a spec writes it: ``podNetwork``."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), key)

"""A cluster against its site, its standard and itself; placement is judged by ``greenfield.plan``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations, product

from greenfield.engines import ENGINES
from greenfield.model.problem import Problem
from greenfield.model.standard import Standard
from greenfield.spec.build_cluster import BuiltCluster
from greenfield.spec.build_site import BuiltSite
from greenfield.spec.check_references import check_references


def check_cluster(
    built: BuiltCluster, sites: Mapping[str, BuiltSite], standards: Mapping[str, Standard], today: date
) -> None:
    """Adds what is wrong with a cluster to its draft's problems."""
    draft, cluster = built.draft, built.cluster
    if cluster.site:
        draft.known(cluster.site, sites, "the site", ("site",), "unknown-site")
    if cluster.standard:
        draft.known(cluster.standard, standards, "the standard", ("standard",), "unknown-standard")
    site = sites.get(cluster.site)
    _pools(built, site)
    _engines(built)
    check_references(built, site)
    _cycles(built)
    _waivers(built, site, standards.get(cluster.standard), today)


def _pools(built: BuiltCluster, site: BuiltSite | None) -> None:
    if site is None:
        return
    hardware = site.draft.names("hardware")
    for pool in built.cluster.node_pools.values():
        at = ("nodePools", pool.name, "hardware")
        built.draft.known(pool.hardware, hardware, "the hardware class", at, "unknown-hardware")


def _engines(built: BuiltCluster) -> None:
    draft = built.draft
    pools, engines = draft.names("nodePools"), draft.names("engines")
    for engine in built.cluster.engines.values():
        at = ("engines", engine.name)
        kind = ENGINES[engine.kind]
        draft.known(engine.pool, pools, "the node pool", (*at, "pool"), "unknown-pool")
        if engine.version not in kind.versions:
            message = f"{engine.kind} {engine.version} is not supported"
            fix = f"known versions: {', '.join(kind.versions)}"
            draft.add((*at, "version"), message, fix, "unknown-version")
        for index, name in enumerate(draft.document.spec["engines"][engine.name].get("dependsOn", ())):
            draft.known(name, engines, "the engine", (*at, "dependsOn", index), "unknown-dependency")
        for problem in kind.check(engine):
            path = draft.path(*at, *problem.path)
            draft.problems.append(Problem(path, problem.message, problem.fix, problem.rule, problem.severity))
        for index, name in enumerate(draft.document.spec["engines"][engine.name].get("wipe", ())):
            if name != engine.name:
                message = f'"{name}" is not this engine; only an engine as a whole can be wiped'
                fix = f"wipe: [{engine.name}], or nothing: a member that leaves keeps its data"
                draft.add((*at, "wipe", index), message, fix, "unknown-wipe")


def _cycles(built: BuiltCluster) -> None:
    """Engines that wait for each other, each ring once."""
    depends = {name: engine.depends_on for name, engine in built.cluster.engines.items()}
    done: set[str] = set()
    for start in depends:
        trail: list[str] = []
        _walk(built, depends, start, trail, done)


def _walk(
    built: BuiltCluster, depends: Mapping[str, tuple[str, ...]], name: str, trail: list[str], done: set[str]
) -> None:
    if name in trail:
        ring = [*trail[trail.index(name) :], name]
        message = f"engines wait for each other: {' → '.join(ring)}"
        fix = "remove one of these dependencies"
        built.draft.add(("engines", trail[-1], "dependsOn"), message, fix, "dependency-cycle")
        return
    if name in done:
        return
    trail.append(name)
    for other in depends.get(name, ()):
        _walk(built, depends, other, trail, done)
    trail.pop()
    done.add(name)


def _waivers(built: BuiltCluster, site: BuiltSite | None, standard: Standard | None, today: date) -> None:
    draft = built.draft
    listed = draft.document.spec.get("waivers")
    whole = (
        [index for index in range(len(listed)) if draft.usable("waivers", index)] if isinstance(listed, list) else []
    )
    for index in whole:
        raw = listed[index]  # type: ignore[index]
        at = ("waivers", index)
        if standard is not None:
            draft.known(raw["control"], standard.controls, "the control", (*at, "control"), "unknown-control")
        if raw["until"] < today.isoformat():
            message = f"the waiver of {raw['control']} ended on {raw['until']}; the control is judged again"
            fix = f"remove it, or agree on a new day with {raw['owner']}"
            draft.add((*at, "until"), message, fix, "waiver-expired", severity="warning")
        for position, name in enumerate(raw.get("hosts", ())):
            if site is not None and site.draft.whole:
                draft.known(name, site.site.hosts, "the host", (*at, "hosts", position), "unknown-host")


def check_sharing(clusters: Sequence[BuiltCluster]) -> None:
    """No host can be taken by two clusters: each is placed by itself, without sight of the other."""
    for first, second in combinations(clusters, 2):
        if first.cluster.site != second.cluster.site:
            continue
        for mine, other in product(second.cluster.node_pools.values(), first.cluster.node_pools.values()):
            if mine.hardware == other.hardware and not _apart(mine.labels, other.labels):
                message = (
                    f"pool {mine.name} may take the same {mine.hardware} hosts as pool {other.name} "
                    f"of cluster {first.cluster.name}"
                )
                fix = "give the hosts of each cluster a label of their own and select by it"
                second.draft.add(("nodePools", mine.name), message, fix, "shared-hosts")


def _apart(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether no host can have both sets of labels: they ask for different values of one label."""
    return any(other.get(name, value) != value for name, value in one.items())

"""What a spec may not ask of what is deployed: versions that can't be reached from there, and an engine left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from greenfield.engines import ENGINES
from greenfield.engines.version_path import parse
from greenfield.model.cluster import Cluster, EngineSpec
from greenfield.model.problem import Problem
from greenfield.plan.placement_record import Placement
from greenfield.plan.words import listed


def deployed_by(cluster: Cluster) -> Placement:
    """What stands when a cluster was delivered to the end: each engine of its version."""
    return Placement(
        {},
        {},
        {name: (engine.version,) for name, engine in cluster.engines.items()},
        frozenset(name for name, engine in cluster.engines.items() if name in engine.wipe),
    )


def standing_problems(
    cluster: Cluster, standing: Placement, named: Collection[str] = (), quarantine: Collection[str] = ()
) -> list[Problem]:
    """Everything that the spec asks and what is deployed can't give.

    Args:
        named: engines that the spec names beside the cluster's, as they are too wrong to be read.
        quarantine: hosts that this run does not touch.
    """
    return [
        *_versions(cluster, standing.versions),
        *_ahead(cluster, standing, quarantine),
        *_left_out(cluster, standing, frozenset(named)),
    ]


def _versions(cluster: Cluster, versions: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    for name, engine in cluster.engines.items():
        path, supported = ENGINES[engine.kind].version_path, ENGINES[engine.kind].versions
        # A version that is not supported is the spec's error.
        if path is None or engine.version not in supported:
            continue
        refused = path.refusal(versions.get(name, ()), engine.version, supported)
        if refused:
            message, fix = refused
            yield Problem(_at(cluster, name, "version"), f"{name}: {message}", fix, "version-path")
        yield from _lag(cluster, engine, versions)


def _lag(cluster: Cluster, engine: EngineSpec, versions: Mapping[str, tuple[str, ...]]) -> Iterator[Problem]:
    """Members of an engine that would be too old while the one they belong to is raised, which is first."""
    kind = ENGINES[engine.kind]
    head = cluster.engines.get(str(engine.options.get(kind.belongs_to)))
    if head is None or head.version not in ENGINES[head.kind].versions or not versions.get(engine.name):
        return
    oldest = min(versions[engine.name], key=parse)
    behind = parse(head.version)[1] - parse(oldest)[1]
    if behind > kind.lag:
        message = (
            f"{engine.name} is deployed at {oldest}, which would be {behind} minor versions older than {head.name} "
            f"({head.version}), and {head.name} is raised first"
        )
        fix = f"leave {head.name} as it is until {engine.name} is raised; at most {kind.lag} are supported"
        yield Problem(_at(cluster, head.name, "version"), message, fix, "version-skew")


def _ahead(cluster: Cluster, standing: Placement, quarantine: Collection[str]) -> Iterator[Problem]:
    """Engines that would be raised over a member, left out of this run, of the one they belong to."""
    for name, engine in cluster.engines.items():
        head = str(engine.options.get(ENGINES[engine.kind].belongs_to))
        behind = [member for member, host in standing.engines.get(head, {}).items() if host in quarantine]
        own, its = standing.versions.get(name, ()), standing.versions.get(head, ())
        if not behind or not its or engine.version not in ENGINES[engine.kind].versions or own == (engine.version,):
            continue
        oldest = min(its, key=parse)
        if parse(engine.version) > parse(oldest):
            yield Problem(
                _at(cluster, name, "version"),
                f"{name} would be raised to {engine.version} while {listed(behind)} of {head}, in quarantine, may be "
                f"on {oldest}",
                f'leave version "{oldest}" here until all members of {head} are raised',
                "version-skew",
            )


def _left_out(cluster: Cluster, standing: Placement, named: frozenset[str]) -> Iterator[Problem]:
    for name in sorted(standing.versions.keys() - cluster.engines.keys() - named - standing.released):
        yield Problem(
            _at(cluster),
            f"{name} is deployed and not in the spec, so all its members would go",
            f"put it back; to take it away with its data, first type wipe: [{name}] in its block and run up, then take "
            "it out",
            "engine-left-out",
        )


def _at(cluster: Cluster, *rest: str) -> tuple[str, ...]:
    return ("Cluster", cluster.name, "spec", "engines", *rest)

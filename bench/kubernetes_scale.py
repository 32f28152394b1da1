"""A delivered control plane with thousands of nodes and tens of thousands of pods, whose kubelets kwok plays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from bench import footprint, latency, server_latency
from bench.api import Api, Json, at
from bench.kubernetes_site import KubernetesSite, Shape
from bench.kwok import kwok
from bench.latency import Latencies, Samples
from bench.population import Made, Population
from bench.preview import ENGINE, PLUGIN, PROGRAM
from bench.process import BenchError, Measured
from bench.room import wait_for
from bench.server_latency import Buckets
from bench.table import Row, Times, mebibytes, seconds, table

NODES, PODS = 2_000, 20_000
SMALL_NODES, SMALL_PODS = 100, 1_000
SCHEDULED = 100
"""Pods that the real scheduler places; the others are bound when they are made, for two cores carry everything."""

PREVIEWS = 3
SHAPE = Shape(
    "bench-kube",
    84,
    control=3,
    # One, for pods that must be somewhere: each host has a share of the same two cores.
    workers=1,
    # 2,048 nodes' /24; the database of so many objects beside what compaction has not yet taken.
    cluster={"podNetwork": "10.200.0.0/13", "quota": "2GiB"},
    memory="6GiB",
    disk="12GiB",
)
PROCESSES = {
    "the program": PROGRAM,
    "our plugin": PLUGIN,
    "the Kubernetes plugin": "pulumi-resource-kubernetes",
    "Pulumi's engine": ENGINE,
}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured; ``spec`` names a cluster that stands, else one is delivered and taken down again."""

    nodes: int = NODES
    pods: int = PODS
    spec: Path | None = None


@dataclass(frozen=True, slots=True)
class Full:
    """What was found while everything stood."""

    made: Made
    given_up: int
    """Nodes whose lease kwok did not renew in time, so that the controllers took them for lost."""
    found: Sequence[Latencies]
    server: Buckets
    scheduled: float
    footprint: footprint.Footprint
    previews: Sequence[Measured]
    removed: float | None
    """Seconds until all of it was deleted; None on a lab of our own, which goes away with what is in it."""


def measure(folder: Path, say: Say, options: Options | None = None) -> str:
    """Measure and return the page's part. What was made on a cluster that was named is deleted, whatever happens."""
    wanted = options or Options()
    with _cluster(folder, say, wanted) as site:
        _check_ranges(site, wanted)
        config = site.kubeconfig()
        servers = _servers(site, config)
        _check(servers[0], site)
        if wanted.spec:
            # What a run that was killed has left.
            Population(servers[0], say).remove()
        empty = footprint.look(site.lab, list(site.site.hosts), site.members, servers)
        previews = _previews(site, say)
        full = _fill(site, folder, say, wanted, config)
    rows = [*_made(wanted, full), *(each.row() for each in full.found), *server_latency.rows(full.server)]
    rows += footprint.rows(empty, full.footprint, ", ".join(site.members))
    rows += _preview_rows(previews, full.previews)
    return table(rows if full.removed is None else [*rows, Row("all of it deleted", seconds(full.removed))])


@contextmanager
def _cluster(folder: Path, say: Say, options: Options) -> Iterator[KubernetesSite]:
    """The cluster that was named, as it is; else one of its own for as long as the block lasts."""
    if options.spec is not None:
        yield KubernetesSite(options.spec.resolve(), folder, os.environ)
        return
    wait_for(SHAPE.control, SHAPE.workers, say)
    site = KubernetesSite.fresh(folder, SHAPE)
    try:
        site.prepare(say)
        say(f"lab of {SHAPE.hosts} hosts is up")
        say(f"delivered in {site.up().seconds:.0f} s")
        yield site
    finally:
        site.lab.down()
        say("lab is down")


def _check(api: Api, site: KubernetesSite) -> None:
    try:
        api.text("/readyz")
    except BenchError as error:
        raise BenchError(f"the cluster of {site.spec} is not there: {error}; greenfield up {site.spec}") from None


def _check_ranges(site: KubernetesSite, options: Options) -> None:
    network = ip_network(site.cluster.engines[site.platform.engine].options["pod_network"])
    ranges, wanted = network.num_addresses // 256, options.nodes + len(site.site.hosts)
    if ranges < wanted:
        raise BenchError(
            f"podNetwork {network} has the addresses of {ranges} nodes and {wanted} will be there; "
            "name a cluster with a larger one, or ask for fewer --nodes"
        )


def _servers(site: KubernetesSite, config: Json) -> list[Api]:
    return [Api(at(config, site.site.hosts[host].address)) for host in site.members]


def _fill(site: KubernetesSite, folder: Path, say: Say, options: Options, config: Json) -> Full:
    # kwok and the client ask different members, as kubelets do through their own proxies.
    servers, theirs = _servers(site, config), at(config, site.site.hosts[site.members[-1]].address)
    cleaner = Population(servers[0], say)
    try:
        with kwok(folder, theirs, say) as running:
            population = Population(servers[0], say, running.check)
            try:
                made = population.make(options.nodes, options.pods, sorted(site.site.racks), site.site.name)
                before = _server_latency(servers)
                found = latency.measure(servers[0], options.nodes, options.pods, Samples(), say)
                counted = server_latency.since(before, _server_latency(servers))
                scheduled = population.schedule(SCHEDULED)
                running.check()
                given_up = population.unready_nodes()
                look = footprint.look(site.lab, list(site.site.hosts), site.members, servers)
                previews = _previews(site, say)
            finally:
                # While kwok lives, else the controllers would work on nodes that have gone silent.
                removed = _remove(cleaner, say) if options.spec else None
        return Full(made, given_up, found, counted, scheduled, look, previews, removed)
    finally:
        if options.spec:
            # kwok may have renewed a lease after it was deleted.
            cleaner.remove_leases()


def _remove(cleaner: Population, say: Say) -> float:
    began = time.monotonic()
    cleaner.remove()
    removed = time.monotonic() - began
    say(f"deleted in {removed:.0f} s")
    return removed


def _server_latency(servers: Sequence[Api]) -> Buckets:
    return server_latency.parse(server.text("/metrics") for server in servers)


def _previews(site: KubernetesSite, say: Say) -> list[Measured]:
    runs = [site.greenfield("preview", str(site.spec)) for _ in range(PREVIEWS)]
    say(f"preview: {Times(tuple(run.seconds for run in runs))}")
    return runs


def _made(options: Options, full: Full) -> list[Row]:
    made, (nodes, pods) = full.made, (options.nodes, options.pods)
    return [
        Row(f"{nodes:,} nodes: made → all ready", f"{seconds(made.nodes)} → {seconds(made.nodes_ready)}"),
        Row(
            f"{pods:,} pods, bound to their nodes: made → all running",
            f"{seconds(made.pods)} → {seconds(made.pods_running)} ({pods / made.pods:.0f}/s)",
        ),
        Row(f"{SCHEDULED} more, placed by the scheduler among all of these nodes", seconds(full.scheduled)),
        Row(
            "nodes given up meanwhile, as kwok renewed their leases too late",
            f"{full.given_up:,} of {nodes:,}",
            goal="0",
            met=full.given_up == 0,
        ),
    ]


def _preview_rows(empty: Sequence[Measured], full: Sequence[Measured]) -> list[Row]:
    times = [str(Times(tuple(run.seconds for run in runs))) for runs in (empty, full)]
    peaks = [
        f"{name} {_peak(empty, word)} → {_peak(full, word)}"
        for name, word in PROCESSES.items()
        if _peak(empty, word) or _peak(full, word)
    ]
    return [
        Row("preview of the cluster and its platform: empty → full", " → ".join(times)),
        Row("· peak memory: empty → full", "; ".join(peaks)),
    ]


def _peak(runs: Sequence[Measured], word: str) -> str:
    """The largest process of several runs whose command line holds a word; empty where none was seen."""
    found = [peak for run in runs for command, peak in run.peaks.items() if word in command]
    return mebibytes(max(found)) if found else ""

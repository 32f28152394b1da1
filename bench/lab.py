"""Deliveries and acceptance on nine lab hosts, beside plain ansible-playbook and testinfra's own ssh backend."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.plain_way import assert_same, outcome, run_playbook
from bench.process import BenchError
from bench.site import BenchSite, counted, executions
from bench.table import Row, Times, seconds, table

ENGINE = "config-store"
NOTHING_RUNS = 3
GOAL_NOTHING_SECONDS = 8.0
GOAL_RATIO = 5.0
LABS_AT_ONCE = 3
ROOM_SECONDS = 1200
CGROUPS = Path("/sys/fs/cgroup/memory")
QUARANTINED = "r1-h2"

Say = Callable[[str], None]


def measure(folder: Path, say: Say) -> str:
    """Deliver, accept and change, and return the page's part. The lab is taken down whatever happens."""
    with _lab(folder, say) as site:
        return table([*_deliveries(site, say), *_acceptance(site, say), *_changes(site, say)])


def measure_plain(folder: Path, say: Say) -> str:
    """Bring bare hosts to the same outcome by both ways, and return the page's part."""
    with _lab(folder, say) as site:
        return table(_beside_plain(site, say))


def measure_small(folder: Path, say: Say) -> str:
    """``measure_plain`` with three hosts, for machines that have little time."""
    with _lab(folder, say, small=True) as site:
        return table(_beside_plain(site, say))


@contextmanager
def _lab(folder: Path, say: Say, *, small: bool = False) -> Iterator[BenchSite]:
    _wait_for_room(say)
    site = BenchSite(folder, say, small=small)
    try:
        began = time.monotonic()
        site.prepare()
        say(f"lab of {len(site.site.hosts)} hosts is up after {time.monotonic() - began:.0f} s")
        yield site
    finally:
        site.lab.down()
        say("lab is down")


def _wait_for_room(say: Say) -> None:
    """The kernel carries a few labs at once; wait until ours fits."""
    deadline = time.monotonic() + ROOM_SECONDS
    while len(labs := sorted(path.name for path in CGROUPS.glob("greenfield-*"))) >= LABS_AT_ONCE:
        if time.monotonic() > deadline:
            raise BenchError(f"no room for a lab after {ROOM_SECONDS} s; up are {', '.join(labs)}")
        say(f"waiting for room: {', '.join(labs)} are up")
        time.sleep(10)


def _deliveries(site: BenchSite, say: Say) -> list[Row]:
    first = site.up()
    say(f"first delivery: {first.seconds:.1f} s")
    runs, logins = _nothing_to_do(site, say)
    nothing = Times(tuple(runs))
    return [
        Row(
            f"first delivery: {len(site.site.hosts)} bare hosts to {len(site.cluster.engines)} formed engines",
            seconds(first.seconds),
        ),
        Row(
            "`up` with nothing to do",
            str(nothing),
            goal=f"< {GOAL_NOTHING_SECONDS:.0f} s",
            met=nothing.middle < GOAL_NOTHING_SECONDS,
        ),
        Row("SSH logins on all hosts meanwhile", str(logins), goal="0", met=logins == 0),
    ]


def _nothing_to_do(site: BenchSite, say: Say) -> tuple[list[float], int]:
    """Seconds of runs that had nothing to do, and how many SSH logins all hosts saw in them together.

    A run that did change something is not one of them: somebody edited roles of this checkout meanwhile.
    """
    runs: list[float] = []
    logins = 0
    for _ in range(2 * NOTHING_RUNS):
        before = site.logins()
        done = site.up()
        if re.search(r"\d+ (created|updated|replaced|deleted)", done.output):
            say(f"not counted, it had something to do: {done.seconds:.1f} s")
            continue
        runs.append(done.seconds)
        logins += site.logins() - before
        say(f"nothing to do: {runs[-1]:.1f} s")
        if len(runs) == NOTHING_RUNS:
            return runs, logins
    raise BenchError(f"{2 * NOTHING_RUNS} runs had something to do, but {len(runs)}; the checkout keeps changing")


def _acceptance(site: BenchSite, say: Say) -> list[Row]:
    whole = site.greenfield("verify", str(site.spec), "-o", str(site.folder / "whole"))
    say(f"acceptance: {whole.seconds:.1f} s")
    host = ["verify", str(site.spec), "--only", "host", "-o", str(site.folder / "host")]
    ours = Times(tuple(site.greenfield(*host).seconds for _ in range(3)))
    say(f"host suite: {ours}")
    plain = Times((site.greenfield(*host, "--backend", "ssh").seconds,))
    say(f"host suite over testinfra's ssh: {plain}")
    ratio = plain.best / ours.best
    return [
        Row("acceptance, failover and restore drills included", seconds(whole.seconds)),
        Row(
            "acceptance, host controls only",
            str(ours),
            f"{plain} testinfra's ssh backend",
            ratio,
            f"≥ {GOAL_RATIO:.0f}×",
            ratio >= GOAL_RATIO,
        ),
    ]


def _changes(site: BenchSite, say: Say) -> list[Row]:
    """A setting of Redis on all its hosts but one, then on that one: it was in quarantine meanwhile."""
    site.edit("memory: 256MiB", "memory: 272MiB")
    hosts = len(site.plan.members_of("sessions"))
    rolling = site.up("--quarantine", QUARANTINED)
    say(f"rolling change: {rolling.seconds:.1f} s")
    # Pulumi keeps what --config said in the stack's config, so the quarantine has to be lifted.
    site.greenfield("pulumi", str(site.spec), "config", "rm", "greenfield:quarantine")
    one = site.up()
    say(f"one host: {one.seconds:.1f} s")
    if not re.search(r"\d+ updated", one.output):
        raise BenchError(f"{QUARANTINED} was to change and did not:\n{one.output[-2000:]}")
    return [
        Row(f"a setting of Redis on {hosts - 1} of its hosts, rack by rack behind its gates", seconds(rolling.seconds)),
        Row("the same on the one host that was in quarantine", seconds(one.seconds)),
    ]


def _beside_plain(site: BenchSite, say: Say) -> list[Row]:
    layers = site.layers(ENGINE)
    results = [site.converge(layer) for layer in layers]
    failed = [f"{r.host}: {r.message}" for result in results for r in result.hosts.values() if r.failed]
    if failed:
        raise BenchError("; ".join(failed))
    ours = sum(result.seconds for result in results)
    say(f"host layer and etcd: {ours:.1f} s ({', '.join(f'{result.seconds:.1f}' for result in results)})")
    found = outcome(site)
    site.reset()
    plain = run_playbook(site, *layers)
    say(f"host layer and etcd by plain ansible-playbook: {plain.seconds:.1f} s")
    facts = assert_same(found, outcome(site))
    ratio = plain.seconds / ours
    tasks = counted(plain.output, r"(ok|changed): \[")
    return [
        Row(
            f"host layer on {len(layers[0].targets)} bare hosts and etcd on {len(layers[1].targets)} of them "
            f"({facts:,} facts compared, all equal)",
            seconds(ours),
            f"{seconds(plain.seconds)} ansible-playbook with its defaults",
            ratio,
            f"≥ {GOAL_RATIO:.0f}×",
            ratio >= GOAL_RATIO,
        ),
        Row("· host layer", seconds(results[0].seconds)),
        Row("· etcd", seconds(results[1].seconds)),
        Row(
            "· task results on all hosts",
            str(sum(result.executions for result in results)),
            str(tasks),
            tasks / sum(result.executions for result in results),
        ),
        Row("· of them a host: host layer, etcd", executions(results)),
    ]

"""How a delivery grows with its hosts: from bare to delivered to accepted, for Kubernetes clusters of several sizes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.kubernetes_site import KubernetesSite, Shape
from bench.process import BenchError
from bench.room import free, limit, wait_for, wanted, why_never
from bench.table import Row, seconds, table

HOSTS = (3, 6, 12)
FEWEST = 3
NAME, NUMBER = "bench-growth", 87

Say = Callable[[str], None]


def measure(folder: Path, say: Say, sizes: Sequence[int] = HOSTS) -> str:
    """Deliver and accept a cluster of each size, and return the page's part. Labs are taken down, whatever happens.

    A size that this machine can't hold is told with its count, not tried.
    """
    rows = list[Row]()
    for hosts in sizes:
        shape = Shape.of(hosts, NAME, NUMBER)
        if why := why_never(shape.control, shape.workers, limit()):
            rows.append(Row(shape.words, f"not done: {why}"))
            say(rows[-1].ours)
            continue
        wait_for(shape.control, shape.workers, say)
        rows += _one(folder, say, shape)
    return table(rows)


def _one(folder: Path, say: Say, shape: Shape) -> list[Row]:
    site = KubernetesSite.fresh(folder, shape)
    before = free()
    try:
        began = time.monotonic()
        site.prepare(say)
        say(f"lab of {shape.hosts} hosts is up after {time.monotonic() - began:.0f} s")
        first = site.up()
        say(f"{shape.words}: delivered in {first.seconds:.0f} s")
        taken = before - free()
        again = site.up()
        idle = not re.search(r"\d+ (created|updated|replaced|deleted)", again.output)
        accepted, verdict = _accept(site)
        say(f"{shape.words}: {verdict}")
    except BenchError as error:
        say(f"{shape.words}: {error}")
        return [Row(shape.words, f"failed: {str(error).splitlines()[0][:200]}")]
    finally:
        site.lab.down()
        say("lab is down")
    total = f", {seconds(first.seconds + accepted)} from bare to there" if accepted else ""
    return [
        Row(f"{shape.words}: bare hosts to a delivered platform", seconds(first.seconds)),
        Row("· `up` again" + ("" if idle else ", which had something to do"), seconds(again.seconds)),
        Row("· acceptance, drills included", f"{verdict}{total}"),
        Row("· inotify instances taken", f"{taken} ({wanted(shape.control, shape.workers)} expected)"),
    ]


def _accept(site: KubernetesSite) -> tuple[float, str]:
    """Seconds until the cluster was accepted, and what to say; no seconds where it was not."""
    try:
        done = site.greenfield("verify", str(site.spec), "-o", str(site.folder / f"report-{len(site.site.hosts)}"))
    except BenchError as error:
        failed = sorted(set(re.findall(r"\b(?:HOST|K8S|SITE)-\d{3}\b", str(error))))
        return 0.0, f"not accepted: {', '.join(failed) or str(error).splitlines()[-1][:160]}"
    return done.seconds, seconds(done.seconds)

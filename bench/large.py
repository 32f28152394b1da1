"""A large site from its spec to the desired state of every host, beside reading and judging the same documents."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from bench.generate import generate
from bench.large_steps import INLINED
from bench.process import run
from bench.table import Row, Times, mebibytes, table

HOSTS, RACKS, ENGINES = 10_000, 250, 40
RUNS = 5
PLAIN_RUNS = 2
GOAL_SECONDS = 3.0
GOAL_BYTES = 2**30
WAYS = {"greenfield": RUNS, INLINED: RUNS, "plain": PLAIN_RUNS}
NUMBERS = ("unit",)
TO_PLAN = ("import", "load and validate", "plan")
"""Steps that the goal was given for; the whole, which makes the variables too, is held to it as well."""


def write_site(folder: Path) -> None:
    """The large site, and beside it the same with all hosts in the site's document."""
    generate(folder, HOSTS, RACKS, ENGINES)
    site = yaml.safe_load((folder / "site.yaml").read_text())
    with (folder / "hosts.csv").open(newline="") as stream:
        site["spec"]["hosts"] = [_host(row) for row in csv.DictReader(stream)]
    del site["spec"]["hostsFrom"]
    (folder / INLINED).mkdir()
    (folder / INLINED / "site.yaml").write_text(yaml.dump(site, Dumper=yaml.CSafeDumper, sort_keys=False))
    (folder / INLINED / "cluster.yaml").write_bytes((folder / "cluster.yaml").read_bytes())


def _host(row: dict[str, str]) -> dict[str, Any]:
    plain: dict[str, Any] = {key: value for key, value in row.items() if not key.startswith("label:")}
    labels = {key.removeprefix("label:"): value for key, value in row.items() if key.startswith("label:")}
    return {**plain, **{key: int(plain[key]) for key in NUMBERS}, "labels": labels}


def measure(folder: Path, say: Callable[[str], None]) -> str:
    """Run everything and return the page's part."""
    site = folder / "large"
    write_site(site)
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for number in range(max(WAYS.values())):
        for way, count in WAYS.items():
            if number < count:
                runs[way].append(_run(way, site))
                say(f"{way} {number + 1}/{count}: {runs[way][-1]['whole']:.2f} s")
    return table(_rows(runs))


def _run(way: str, site: Path) -> dict[str, Any]:
    done = run([sys.executable, "-m", "bench.large_steps", way, str(site)], folder=Path(__file__).parent.parent)
    found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    return found


def _rows(runs: dict[str, list[dict[str, Any]]]) -> list[Row]:
    whole = {way: Times(tuple(run["whole"] for run in found)) for way, found in runs.items()}
    peaks = {way: max(run["peak"] for run in found) for way, found in runs.items()}
    ours = runs["greenfield"]
    rows = [
        Row(
            f"{HOSTS:,} hosts, {RACKS} racks, {ENGINES} engines: spec to {ours[0]['done']:,} desired states",
            str(whole["greenfield"]),
            f"{whole['plain']} PyYAML + jsonschema, which only read and judge",
            whole["plain"].best / whole["greenfield"].best,
            f"< {GOAL_SECONDS:.0f} s",
            whole["greenfield"].middle < GOAL_SECONDS,
        )
    ]
    for step in ours[0]["steps"]:
        times = Times(tuple(run["steps"][step] for run in ours))
        rows.append(Row(f"· {step}", str(times)))
    planned = Times(tuple(sum(run["steps"][step] for step in TO_PLAN) for run in ours))
    goal = {"goal": f"< {GOAL_SECONDS:.0f} s", "met": planned.middle < GOAL_SECONDS}
    rows.insert(1, Row("· spec to plan (the next three)", str(planned), **goal))
    rows += [
        Row(
            "the same, hosts written as YAML instead of CSV",
            str(whole[INLINED]),
            str(whole["plain"]),
            whole["plain"].best / whole[INLINED].best,
        ),
        Row(
            "peak memory",
            mebibytes(peaks["greenfield"]),
            mebibytes(peaks["plain"]),
            peaks["plain"] / peaks["greenfield"],
            "< 1 GiB",
            peaks["greenfield"] < GOAL_BYTES,
        ),
    ]
    return rows

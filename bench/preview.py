"""``greenfield preview`` of the large site: the Pulumi program, the plugin and the engine together, with no host."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from bench.generate import generate
from bench.large import ENGINES, HOSTS, RACKS
from bench.process import Measured, run
from bench.table import Row, Times, mebibytes, table

RUNS = 3
GOAL_SECONDS = 20.0
GOAL_RESOURCES = 1000
PROGRAM, PLUGIN, ENGINE = "pulumi-language-python-exec", "pulumi-resource-greenfield", "pulumi preview"


def measure(folder: Path, say: Callable[[str], None]) -> str:
    """Run everything and return the page's part."""
    site = folder / "preview"
    generate(site, HOSTS, RACKS, ENGINES)
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
        "XDG_STATE_HOME": str(folder / "state"),
    }
    command = [str(Path(sys.executable).parent / "greenfield"), "preview", str(site)]
    runs: list[Measured] = []
    for number in range(RUNS):
        runs.append(run(command, environment=environment, folder=folder))
        say(f"preview {number + 1}/{RUNS}: {runs[-1].seconds:.1f} s, {runs[-1].cpu_seconds:.1f} s of processor time")
    return table(_rows(runs, _inputs(site)))


def _rows(runs: list[Measured], inputs: dict[str, int]) -> list[Row]:
    times = Times(tuple(run.seconds for run in runs))
    resources = _resources(runs[-1].output)
    cpu = Times(tuple(run.cpu_seconds for run in runs))
    parts = ", ".join(f"{key} {mebibytes(size)}" for key, size in sorted(inputs.items(), key=lambda item: -item[1]))
    return [
        Row(
            f"preview of {HOSTS:,} hosts, {ENGINES} engines",
            str(times),
            goal=f"< {GOAL_SECONDS:.0f} s",
            met=times.middle < GOAL_SECONDS,
        ),
        Row("processor time of it", str(cpu)),
        Row("resources", f"{resources:,}", goal=f"< {GOAL_RESOURCES:,}", met=resources < GOAL_RESOURCES),
        Row("peak memory of the program", mebibytes(max(run.peak_of(PROGRAM) for run in runs))),
        Row("peak memory of the plugin", mebibytes(max(run.peak_of(PLUGIN) for run in runs))),
        Row("peak memory of Pulumi's engine", mebibytes(max(run.peak_of(ENGINE) for run in runs))),
        Row(
            "inputs of all cells and gates, as JSON (most of the state)", f"{mebibytes(sum(inputs.values()))}: {parts}"
        ),
    ]


def _resources(output: str) -> int:
    """How many resources the preview would make, from its summary."""
    line = next(line for line in output.splitlines() if line.strip().startswith("+") and "to create" in line)
    return int(line.split()[1])


def _inputs(site: Path) -> dict[str, int]:
    """Bytes of the large inputs of all cells, and of the gates that are kept once for them."""
    from greenfield.model.packed import pack
    from greenfield.plan import cell_variables, make_plan
    from greenfield.resources.health import gates
    from greenfield.spec import load

    cluster, place = load([site]).cluster()
    plan = make_plan(place, cluster)
    found = {"gates": sum(map(len, gates(plan, {}).values())), "common": 0, "hosts": 0}
    for cell in plan.cells:
        common, own = cell_variables(plan, cell)
        found["common"] += len(pack(common))
        found["hosts"] += len(json.dumps(own, separators=(",", ":")))
    return found

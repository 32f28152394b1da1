"""The generated site of the benchmark: it is valid, and its plan keeps to one cell a layer, pool and rack."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from greenfield.plan import cell_variables, check, make_plan
from greenfield.spec import load

GENERATE = runpy.run_path(str(Path(__file__).resolve().parents[3] / "bench" / "generate.py"))["generate"]


def test_generated_site_can_be_planned(tmp_path: Path) -> None:
    GENERATE(tmp_path, 400, 20, 4)
    cluster, site = load([tmp_path]).cluster()
    assert check(site, cluster) == []
    plan = make_plan(site, cluster)
    assert (len(plan.hosts), len(plan.members)) == (400, 330)
    # Each rack has one pool: its host layer, its Redis members, and an etcd member in five racks of each block.
    assert len(plan.cells) == 20 + 20 + 2 * 5


def test_what_hosts_share_is_told_once(tmp_path: Path) -> None:
    GENERATE(tmp_path, 400, 20, 4)
    cluster, site = load([tmp_path]).cluster()
    plan = make_plan(site, cluster)
    told = [
        len(variables.get("baseline_peers", ()))
        for cell in plan.cells
        for variables in cell_variables(plan, cell)[1].values()
    ]
    assert sum(size > 1 for size in told) <= 2 * 5


@pytest.mark.parametrize(("hosts", "racks", "engines"), [(1000, 10, 2), (11, 10, 2), (100, 10, 3), (100, 10, 6)])
def test_what_can_not_be_built_is_refused(tmp_path: Path, hosts: int, racks: int, engines: int) -> None:
    with pytest.raises(ValueError, match=r"hosts don't fill|engines are not pairs"):
        GENERATE(tmp_path, hosts, racks, engines)

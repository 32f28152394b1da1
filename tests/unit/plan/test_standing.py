"""What a spec may not ask of what is deployed. Cases of the words are in tests/plan_cases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from case_output import CASES

from greenfield.errors import PlanError
from greenfield.model.cluster import Cluster
from greenfield.model.site import Site
from greenfield.plan import EMPTY, deployed_by, load_placement, make_plan, standing_problems
from greenfield.spec import collect


def _without(cluster: Cluster, engine: str) -> Cluster:
    return replace(cluster, engines={name: each for name, each in cluster.engines.items() if name != engine})


def test_what_was_delivered_stands_in_its_own_way_nowhere(cluster: Cluster) -> None:
    assert standing_problems(cluster, deployed_by(cluster)) == []
    assert standing_problems(cluster, EMPTY) == []


def test_an_engine_left_out_is_refused_unless_its_name_was_typed(cluster: Cluster) -> None:
    (found,) = standing_problems(_without(cluster, "sessions"), deployed_by(cluster))
    assert found.rule == "engine-left-out"
    named = replace(cluster.engines["sessions"], wipe=frozenset({"sessions"}))
    released = deployed_by(replace(cluster, engines={**cluster.engines, "sessions": named}))
    assert standing_problems(_without(cluster, "sessions"), released) == []


def test_an_engine_too_wrong_to_be_read_is_not_left_out(cluster: Cluster) -> None:
    assert standing_problems(_without(cluster, "sessions"), deployed_by(cluster), named=["sessions"]) == []


def test_a_new_engine_is_of_any_version(cluster: Cluster) -> None:
    assert standing_problems(cluster, deployed_by(_without(cluster, "sessions"))) == []


@pytest.mark.parametrize(
    ("quarantine", "workers", "refused"),
    [
        ("r2-h1", ("1.34",), True),
        ("r2-h1", ("1.35",), False),
        ("r2-h2", ("1.34",), False),
        ("r2-h4", ("1.34",), False),
    ],
    ids=["a member of the control plane", "workers that are raised already", "a worker", "a host without a member"],
)
def test_workers_are_not_raised_over_a_member_in_quarantine(
    quarantine: str, workers: tuple[str, ...], *, refused: bool
) -> None:
    folder = CASES / "upgrade-goes-on"
    spec, _, _ = collect([folder / "spec.yaml", CASES / "site.yaml"])
    assert spec is not None
    cluster, site = spec.cluster()
    standing = load_placement(folder, "shop")
    assert standing is not None
    standing = replace(standing, versions={**standing.versions, "nodes": workers})
    if not refused:
        assert make_plan(site, cluster, standing, frozenset({quarantine}))
        return
    with pytest.raises(PlanError, match=r"while server-2 of k8s, in quarantine, may be on 1\.34") as caught:
        make_plan(site, cluster, standing, frozenset({quarantine}))
    assert [problem.rule for problem in caught.value.problems] == ["version-skew"]


def test_no_plan_is_made_of_it_so_that_no_run_begins(site: Site, cluster: Cluster) -> None:
    standing = replace(EMPTY, versions={"config-store": ("3.7",), "sessions": ("7.0",)})
    with pytest.raises(PlanError, match=r"3\.7 is deployed and can't become 3\.6") as caught:
        make_plan(site, cluster, standing)
    assert [problem.rule for problem in caught.value.problems] == ["version-path"]

"""What a spec may not ask of what is deployed. Cases of the words are in tests/plan_cases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from greenfield.errors import PlanError
from greenfield.model.cluster import Cluster
from greenfield.model.site import Site
from greenfield.plan import deployed_by, make_plan, standing_problems
from greenfield.plan.placement_record import EMPTY


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


def test_no_plan_is_made_of_it_so_that_no_run_begins(site: Site, cluster: Cluster) -> None:
    standing = replace(EMPTY, versions={"config-store": ("3.7",), "sessions": ("7.0",)})
    with pytest.raises(PlanError, match=r"3\.7 is deployed and can't become 3\.6") as caught:
        make_plan(site, cluster, standing)
    assert [problem.rule for problem in caught.value.problems] == ["version-path"]

"""What the state of a stack says of a cluster's hosts, and what the plan then says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from deployed_stack import stack_of

from greenfield.content import root
from greenfield.errors import PlanError
from greenfield.model.marks import DRIFTED, LOST
from greenfield.plan import Plan, make_plan
from greenfield.plan.changes import Changes, changes
from greenfield.plan.deployed import deployed
from greenfield.spec import load


def _cell(state: dict[str, Any], name: str) -> dict[str, Any]:
    cells = [resource for resource in state["resources"] if resource.get("outputs", {}).get("cell") == name]
    (found,) = cells
    return dict(found)


def _found(plan: Plan, state: dict[str, Any], facts: dict[str, dict[str, Any]] | None = None) -> Changes:
    return changes(plan, deployed({"version": 3, "deployment": state}, plan.cluster.name), facts)


def test_nothing_changes_where_all_is_as_wanted(plan: Plan) -> None:
    state = stack_of(plan)
    kept = {"version": 3, "checkpoint": {"stack": "lab", "latest": state}}
    assert deployed(kept, "orders") == deployed({"deployment": state}, "orders")
    assert _found(plan, state).summary() == "none"


@pytest.mark.parametrize("example", ["lab", "kubernetes"])
def test_nothing_changes_in_what_was_delivered_from_an_example(example: str) -> None:
    cluster, site = load([root() / "examples" / example]).cluster()
    made = make_plan(site, cluster)
    assert _found(made, stack_of(made)).summary() == "none"


@pytest.mark.parametrize("empty", [{"deployment": {}}, {"checkpoint": {"latest": None}}, {"checkpoint": {}}])
def test_a_stack_without_resources_holds_no_host(plan: Plan, empty: dict[str, Any]) -> None:
    assert deployed(empty, plan.cluster.name) == {}


@pytest.mark.parametrize("other", [{}, [], None, {"deployment": "no"}, {"resources": []}])
def test_other_documents_are_refused(other: Any) -> None:
    with pytest.raises(PlanError, match="not the state of a Pulumi stack"):
        deployed(other, "orders")


def test_hosts_of_another_cluster_are_not_taken(plan: Plan) -> None:
    state = stack_of(plan)
    assert deployed({"deployment": state}, "other") == {}


@pytest.mark.parametrize(
    ("digest", "reason"),
    [(None, "failed before"), (DRIFTED, "drifted from its desired state"), (LOST, "its host has lost all of it")],
)
def test_hosts_that_are_not_as_converged_change(plan: Plan, digest: str | None, reason: str) -> None:
    state = stack_of(plan)
    digests = _cell(state, "sessions-r1")["outputs"]["digests"]
    digests["r1-h2"] = digest
    (entry,) = _found(plan, state).changed
    assert (entry.layer, entry.host, entry.reasons, entry.restart) == ("sessions", "r1-h2", (reason,), False)


def test_other_roles_are_a_change_of_all_their_hosts(plan: Plan) -> None:
    state = stack_of(plan)
    _cell(state, "sessions-r1")["outputs"]["content"] = "1" * 64
    found = _found(plan, state).changed
    assert [(entry.host, entry.reasons) for entry in found] == [
        ("r1-h2", ("the roles themselves changed",)),
        ("r1-h3", ("the roles themselves changed",)),
    ]


def test_other_artifacts_are_a_change_where_they_are_known(plan: Plan) -> None:
    state = stack_of(plan)
    found = _found(plan, state, {"host": {"baseline_artifacts": "a" * 64}})
    assert {entry.reasons for entry in found.changed} == {("artifacts: new",)}
    assert len(found.changed) == len(plan.hosts)


def test_a_cell_that_waits_for_its_deletion_goes_no_more(plan: Plan) -> None:
    state = stack_of(plan)
    old = {**_cell(state, "sessions-r1"), "delete": True}
    state["resources"].append({**old, "outputs": {**old["outputs"], "cell": "old-r1"}})
    assert _found(plan, state).summary() == "none"


def test_hosts_in_quarantine_do_not_change(plan: Plan) -> None:
    state = stack_of(plan)
    _cell(state, "sessions-r1")["outputs"]["digests"]["r1-h2"] = DRIFTED
    cells = tuple(replace(cell, quarantined=("r1-h2",) if "r1-h2" in cell.hosts else ()) for cell in plan.cells)
    assert _found(replace(plan, cells=cells), state).summary() == "none"

"""The state of a stack whose run was killed."""

from __future__ import annotations

from typing import Any

from greenfield.cli.killed import mend
from greenfield.model.marks import DRIFTED

KIND = "urn:pulumi:lab-orders::greenfield::greenfield:index:Cell::"


def _deployment(*pending: tuple[str, str]) -> dict[str, Any]:
    return {
        "resources": [
            {"urn": "urn:pulumi:lab-orders::greenfield::pulumi:pulumi:Stack::stack"},
            {"urn": f"{KIND}r1", "outputs": {"digests": {"h1": "one"}}},
            {"urn": f"{KIND}r2", "outputs": {"digests": {"h2": "two"}}},
            {"urn": f"{KIND}formation", "outputs": {"cells": {"r1": {"h1": "one"}}}},
        ],
        "pending_operations": [{"resource": {"urn": f"{KIND}{name}"}, "type": kind} for name, kind in pending],
    }


def test_a_state_without_pending_operations_is_left_alone() -> None:
    deployment = {"resources": _deployment()["resources"]}
    assert not mend(deployment)
    assert deployment["resources"] == _deployment()["resources"]


def test_what_was_being_made_is_made_again() -> None:
    deployment = _deployment(("r3", "creating"))
    assert mend(deployment)
    assert deployment == {"resources": _deployment()["resources"]}


def test_hosts_that_were_being_changed_are_looked_at_whatever_the_next_spec_says() -> None:
    deployment = _deployment(("r2", "updating"), ("formation", "updating"))
    assert mend(deployment)
    _, one, two, formation = deployment["resources"]
    assert one["outputs"]["digests"] == {"h1": "one"}
    assert two["outputs"]["digests"] == {"h2": DRIFTED}
    assert formation["outputs"]["cells"] == {}

"""How often an engine's health is asked around the batches of a rollout."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cell_shape import Hosts
from rollout_shape import gate_of, run_in_turn, standing_batch

from greenfield.provider import rollout as rollout_module
from greenfield.provider.gate import Gate


def test_the_gate_is_asked_before_and_after() -> None:
    hosts = Hosts()
    gate = gate_of("h1", "h2", "h3")
    run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=gate), standing_batch("kv-r2", "h2", gate=gate))
    assert hosts.ran() == ["health h1", "main h1", "health h1", "main h2", "health h1"]
    assert {tuple(job.common["etcd_health_except"]) for job in hosts.jobs if job.entry == "health"} == {()}


def test_what_was_seen_a_while_ago_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout_module, "FRESH_SECONDS", 0)
    hosts = Hosts()
    gate = gate_of("h1", "h2", "h3")
    run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=gate), standing_batch("kv-r2", "h2", gate=gate))
    assert hosts.ran() == ["health h1", "main h1", "health h1", "health h1", "main h2", "health h1"]


def test_only_an_engine_that_was_seen_whole_is_not_asked_again() -> None:
    """Not one that was seen with members left out, and not one beside it."""
    hosts = Hosts()
    quarantined = Gate(
        "kv", "etcd", {**gate_of("h1", "h2").common, "etcd_health_except": ["m-h9"]}, gate_of("h1").targets
    )
    run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=quarantined), standing_batch("kv-r2", "h2", gate=quarantined))
    assert hosts.ran().count("health h1") == 4
    other = replace(gate_of("h3"), engine="cache")
    hosts = Hosts()
    run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=gate_of("h1")), standing_batch("kv-r2", "h2", gate=other))
    assert hosts.ran() == ["health h1", "main h1", "health h1", "health h3", "main h2", "health h3"]

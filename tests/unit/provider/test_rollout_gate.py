"""How often an engine's health is asked around the batches of a rollout."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from cell_shape import Hosts, failed
from rollout_shape import batch_of, gate_of, run_in_turn, standing_batch

from greenfield.configure import HostResult, Job, JobResult
from greenfield.errors import InterruptedRunError, ProviderError
from greenfield.provider import gate as gate_module
from greenfield.provider.gate import Gate

GATE = gate_of("h1", "h2", "h3")


def runs(hosts: Hosts) -> list[list[str]]:
    """Jobs of each run of Ansible by name."""
    return [[each.name for each in (job, *job.then)] for job in hosts.runs]


def test_the_gate_is_asked_before_and_after() -> None:
    hosts = Hosts()
    run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=GATE), standing_batch("kv-r2", "h2", gate=GATE))
    assert hosts.ran() == ["health h1", "main h1", "health h1", "main h2", "health h1"]
    assert {tuple(job.common["etcd_health_except"]) for job in hosts.jobs if job.entry == "health"} == {()}


def test_what_was_seen_a_while_ago_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "FRESH_SECONDS", 0)
    hosts = Hosts()
    run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=GATE), standing_batch("kv-r2", "h2", gate=GATE))
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


def test_what_follows_a_batch_is_asked_in_its_own_run() -> None:
    hosts = Hosts()
    other = replace(gate_of("h3"), engine="cache")
    first = standing_batch("host-r1", "h1", gates=(GATE, other))
    run_in_turn(hosts, first, standing_batch("host-r2", "h2", gates=(GATE, other)))
    assert runs(hosts) == [
        ["kv health before host-r1"],
        ["cache health before host-r1"],
        ["host-r1", "kv health after host-r1", "cache health after host-r1"],
        ["host-r2", "kv health after host-r2", "cache health after host-r2"],
    ]
    (asked, _) = hosts.runs[2].then
    assert (asked.entry, asked.targets, asked.connection) == ("health", GATE.targets[:1], first.connection)
    assert asked.common == {**GATE.common, "etcd_health_except": [], "etcd_health_changing": True}


def test_nothing_follows_where_no_gate_is_waited_for() -> None:
    hosts = Hosts()
    run_in_turn(hosts, batch_of("kv-r1", "h1", gates=(GATE,)), standing_batch("kv-r2", "h2"))
    assert runs(hosts) == [["kv-r1"], ["kv-r2"]]


def test_a_batch_of_which_a_host_failed_asks_nothing_more() -> None:
    def behave(job: Job, name: str) -> HostResult:
        return failed(name) if job.entry == "main" and name == "h2" else HostResult(name, "changed")

    hosts = Hosts(behave)
    (result,) = run_in_turn(hosts, standing_batch("kv-r1", "h1", "h2", gate=GATE))
    assert [(host.status, host.failed_task) for host in result.values()] == [("changed", ""), ("failed", "Install")]
    assert hosts.ran() == ["health h1", "main h1 h2"]


@pytest.mark.parametrize(
    "answer", [failed("h1", "timed out", "unreachable"), HostResult("h1", "ok", facts={"formed": False})]
)
def test_where_the_first_has_no_answer_the_next_is_asked_by_a_run_of_its_own(answer: HostResult) -> None:
    def behave(job: Job, name: str) -> HostResult:
        return answer if job.entry == "health" and name == "h1" else HostResult(name, "changed")

    hosts = Hosts(behave)
    (result,) = run_in_turn(hosts, standing_batch("kv-r2", "h2", gate=GATE))
    assert not result["h2"].failed
    before, after = ["kv health before kv-r2"], ["kv health after kv-r2"]
    assert runs(hosts) == [before, before, ["kv-r2", *after], after]
    assert hosts.ran() == ["health h1", "health h2", "main h2", "health h1", "health h2"]


def test_the_next_engine_is_asked_by_a_run_of_its_own_where_the_one_before_had_no_answer() -> None:
    def behave(job: Job, name: str) -> HostResult:
        down = job.entry == "health" and name == "h1"
        return failed(name, "timed out", "unreachable") if down else HostResult(name, "changed")

    hosts = Hosts(behave)
    other = replace(gate_of("h3"), engine="cache")
    (result,) = run_in_turn(hosts, standing_batch("host-r2", "h2", gates=(GATE, other)))
    assert not result["h2"].failed
    assert hosts.ran()[-4:] == ["main h2", "health h1", "health h2", "health h3"]


def test_an_engine_that_the_batch_makes_sick_is_not_asked_twice_and_the_words_are_its_own() -> None:
    def behave(job: Job, name: str) -> HostResult:
        sick = " after " in job.name
        return failed(name, "m-h1 is down") if sick else HostResult(name, "changed")

    hosts = Hosts(behave)
    first, second = run_in_turn(
        hosts, standing_batch("kv-r1", "h1", gate=GATE), standing_batch("kv-r2", "h2", gate=GATE)
    )
    assert runs(hosts) == [["kv health before kv-r1"], ["kv-r1", "kv health after kv-r1"]]
    assert first["h1"].message.startswith("kv is not healthy after kv-r1; the rollout stops here: m-h1 is down")
    assert isinstance(second, ProviderError)
    assert "kv-r2 was not touched" in second.message


def test_a_run_that_is_ended_while_it_asks_leaves_its_hosts_failed() -> None:
    def behave(job: Job, name: str) -> HostResult:
        if " after " in job.name:
            raise InterruptedRunError("kv-r1: cancelled")
        return HostResult(name, "changed")

    (result,) = run_in_turn(Hosts(behave), standing_batch("kv-r1", "h1", "h2", gate=GATE))
    assert [(host.status, host.message) for host in result.values()] == [("failed", "kv-r1: cancelled")] * 2


def test_what_was_asked_while_more_was_thought_to_stand_is_asked_again() -> None:
    """Host h3 is found to be lost, too, while the batch runs."""

    def behave(job: Job, name: str) -> HostResult:
        if job.entry == "main":
            hosts.mending.add("h3")
        shut = job.entry == "health" and "m-h3" not in job.common["etcd_health_except"]
        return failed(name, "m-h3 is down") if shut and " after " in job.name else HostResult(name, "changed")

    hosts = Hosts(behave)
    hosts.mending.add("h1")
    lost = batch_of("host-r1", "h1", layer="host", gated=True, gates=(GATE,))
    (result,) = run_in_turn(hosts, lost)
    assert not result["h1"].failed
    after = [job.common["etcd_health_except"] for job in hosts.jobs if " after " in job.name]
    assert after == [["m-h1"], ["m-h1", "m-h3"]]


def test_a_question_that_was_not_come_to_is_asked_by_a_run_of_its_own() -> None:
    class Short(Hosts):
        async def run(self, job: Job, urn: str) -> JobResult:
            return replace(await super().run(replace(job, then=()), urn), then={})

    hosts = Short()
    (result,) = run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=GATE))
    assert not result["h1"].failed
    assert hosts.ran() == ["health h1", "main h1", "health h1"]


def test_an_answer_is_as_old_as_its_play_not_as_its_run() -> None:
    """The engine that is asked after it may be waited for long."""

    class Slow(Hosts):
        def _come_to(self, job: Job) -> JobResult:
            return replace(super()._come_to(job), ended=time.monotonic() - gate_module.FRESH_SECONDS - 1)

    hosts = Slow()
    run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=GATE), standing_batch("kv-r2", "h2", gate=GATE))
    assert hosts.ran() == ["health h1", "main h1", "health h1", "health h1", "main h2", "health h1"]

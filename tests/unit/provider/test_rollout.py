"""The order of one layer's changes in a run."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from cell_shape import Hosts, failed
from rollout_shape import batch_of, gate_of, run_in_turn, run_together, standing_batch

from greenfield.configure import HostResult, Job
from greenfield.errors import ConfigureError, InterruptedRunError, ProviderError
from greenfield.provider.gate import Gate
from greenfield.provider.rollout import Rollout, host_error


def test_creates_merge_into_one_job_and_each_gets_its_own_hosts() -> None:
    hosts = Hosts()
    results = run_together(hosts, [batch_of("kv-r1", "h1"), batch_of("kv-r2", "h2", "h3")])
    assert hosts.ran() == ["main h1 h2 h3"]
    assert [list(result) for result in results] == [["h1"], ["h2", "h3"]]
    assert hosts.jobs[0].common == {"shared": 1}


def test_what_cells_do_not_share_goes_to_each_host() -> None:
    hosts = Hosts()
    run_together(hosts, [batch_of("a", "h1", common={"pool": "a"}), batch_of("b", "h2", common={"pool": "b"})])
    (job,) = hosts.jobs
    assert job.common == {}
    assert [dict(target.variables) for target in job.targets] == [
        {"pool": "a", "own": "h1"},
        {"pool": "b", "own": "h2"},
    ]


def test_checks_never_merge_with_creates() -> None:
    hosts = Hosts()
    run_together(hosts, [batch_of("kv-r1", "h1"), batch_of("kv-r2", "h2", check=True)])
    assert sorted((job.check, job.targets[0].name) for job in hosts.jobs) == [(False, "h1"), (True, "h2")]


def test_a_job_that_could_not_run_fails_everyone_who_waits() -> None:
    def behave(job: Job, name: str) -> HostResult:
        raise ConfigureError("no ansible")

    results = run_together(Hosts(behave), [batch_of("a", "h1"), batch_of("b", "h2")])
    assert [str(result) for result in results] == ["no ansible", "no ansible"]


def test_updates_run_one_rack_at_a_time_in_order() -> None:
    hosts = Hosts()
    run_in_turn(hosts, *(standing_batch(f"kv-r{rack}", f"h{rack}") for rack in (3, 1, 2)))
    assert hosts.ran() == ["main h1", "main h2", "main h3"]


def test_a_member_that_is_to_be_mended_is_excepted_before_and_asked_for_after() -> None:
    hosts = Hosts()
    gate = gate_of("h1", "h2")
    run_in_turn(hosts, batch_of("kv-r1", "h1", "h2", standing=frozenset({"h2"}), gated=True, gates=(gate,)))
    before, after = (job.common["etcd_health_except"] for job in hosts.jobs if job.entry == "health")
    assert (before, after) == (["m-h1"], [])


def test_members_in_quarantine_stay_excepted() -> None:
    hosts = Hosts()
    quarantined = Gate(
        "kv", "etcd", {**gate_of("h1", "h2").common, "etcd_health_except": ["m-h9"]}, gate_of("h1").targets
    )
    run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=quarantined))
    assert [job.common["etcd_health_except"] for job in hosts.jobs if job.entry == "health"] == [["m-h9"], ["m-h9"]]


def test_a_gate_asks_another_member_when_a_host_does_not_answer() -> None:
    def behave(job: Job, name: str) -> HostResult:
        down = job.entry == "health" and name == "h1"
        return failed(name, "timed out", "unreachable") if down else HostResult(name, "ok")

    hosts = Hosts(behave)
    (result,) = run_in_turn(hosts, standing_batch("kv-r2", "h2", gate=gate_of("h1", "h2")))
    assert not result["h2"].failed
    assert hosts.ran() == ["health h1", "health h2", "main h2", "health h1", "health h2"]


def test_an_engine_that_was_never_formed_keeps_no_gate_shut() -> None:
    def behave(job: Job, name: str) -> HostResult:
        return HostResult(name, "ok", facts={"formed": False})

    (result,) = run_in_turn(Hosts(behave), standing_batch("kv-r1", "h1", gate=gate_of("h1")))
    assert not result["h1"].failed


def test_a_shut_gate_puts_a_batch_behind_the_others() -> None:
    """Member h3 is down, and only its own batch may go; the others go when it is back."""
    down = {"m-h3"}

    def behave(job: Job, name: str) -> HostResult:
        if job.entry == "main" and name == "h3":
            down.clear()
        if job.entry == "health" and down - set(job.common["etcd_health_except"]):
            return failed(name, "m-h3 is down")
        return HostResult(name, "changed")

    hosts = Hosts(behave)
    gate = gate_of("h1", "h2", "h3")
    mending = batch_of("kv-r3", "h3", standing=frozenset(), gated=True, gates=(gate,))
    results = run_in_turn(
        hosts, standing_batch("kv-r1", "h1", gate=gate), standing_batch("kv-r2", "h2", gate=gate), mending
    )
    assert all(not isinstance(result, Exception) for result in results)
    assert [line for line in hosts.ran() if line.startswith("main")] == ["main h3", "main h1", "main h2"]


def test_when_every_gate_is_shut_nothing_is_touched_and_the_reason_is_told() -> None:
    def behave(job: Job, name: str) -> HostResult:
        return failed(name, "m-h9 is down") if job.entry == "health" else HostResult(name, "changed")

    hosts = Hosts(behave)
    gate = gate_of("h1", "h2")
    results = run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=gate), standing_batch("kv-r2", "h2", gate=gate))
    assert [line for line in hosts.ran() if line.startswith("main")] == []
    for cell, error in zip(("kv-r1", "kv-r2"), results, strict=True):
        assert isinstance(error, ProviderError)
        assert error.message.startswith(f"{cell}: kv is not healthy")
        assert "m-h9 is down" in error.message
        assert error.fix


def test_a_failed_batch_refuses_those_behind_it() -> None:
    def behave(job: Job, name: str) -> HostResult:
        return failed(name) if name == "h1" else HostResult(name, "changed")

    hosts = Hosts(behave)
    first, second = run_in_turn(hosts, standing_batch("kv-r1", "h1"), standing_batch("kv-r2", "h2"))
    assert first["h1"].failed
    assert "full log: /log" in first["h1"].message
    assert isinstance(second, ProviderError)
    assert "kv-r2 was not touched, because the rollout stopped at kv-r1: h1 failed" in second.message
    assert hosts.ran() == ["main h1"]


def test_a_batch_that_makes_the_engine_sick_counts_as_failed_and_stops_the_rollout() -> None:
    """Its hosts lose their digests, so that the run that mends it finds the gate open for just them."""
    sick: set[str] = set()

    def behave(job: Job, name: str) -> HostResult:
        if job.entry == "main":
            sick.add(f"m-{name}")
        return failed(name, "m-h1 is down") if job.entry == "health" and sick else HostResult(name, "changed")

    hosts = Hosts(behave)
    gate = gate_of("h1", "h2")
    first, second = run_in_turn(
        hosts, standing_batch("kv-r1", "h1", gate=gate), standing_batch("kv-r2", "h2", gate=gate)
    )
    assert first["h1"].failed
    assert "kv is not healthy after kv-r1" in first["h1"].message
    assert isinstance(second, ProviderError)
    assert hosts.ran() == ["health h1", "main h1", "health h1"]


def test_hosts_that_carry_nothing_yet_go_first_and_together() -> None:
    hosts = Hosts()
    gate = gate_of("h1", "h2", "h3")
    run_in_turn(hosts, standing_batch("kv-r1", "h1", gate=gate), batch_of("kv-r2", "h2"), batch_of("kv-r3", "h3"))
    assert hosts.ran() == ["main h2 h3", "health h1", "main h1", "health h1"]


def test_standing_hosts_wait_until_those_that_failed_before_are_mended() -> None:
    def behave(job: Job, name: str) -> HostResult:
        return failed(name) if name == "h2" else HostResult(name, "changed")

    hosts = Hosts(behave)
    standing, mended = run_in_turn(hosts, standing_batch("kv-r1", "h1"), batch_of("kv-r2", "h2"))
    assert mended["h2"].failed
    assert isinstance(standing, ProviderError)
    assert hosts.ran() == ["main h2"]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (failed("h1", "timed out", "unreachable"), "h1: did not answer over SSH: timed out"),
        (failed("h1", "no space"), 'h1: failed in task "Install": no space'),
        (HostResult("h1", "failed", message="kv is not healthy"), "h1: failed: kv is not healthy"),
    ],
)
def test_a_failed_host_is_told_in_words(result: HostResult, words: str) -> None:
    assert host_error(result) == words


@pytest.mark.parametrize("how", ["side_by_side", "in_turn"])
def test_a_run_that_was_ended_in_the_middle_leaves_its_hosts_failed(how: str) -> None:
    """Their digests go, so that the next run looks at them whatever its spec says."""

    def behave(job: Job, name: str) -> HostResult:
        raise InterruptedRunError("kv-r1: cancelled")

    results = run_together(Hosts(behave), [standing_batch("kv-r1", "h1", "h2")], how)
    assert [(host.status, host.message) for host in results[0].values()] == [("failed", "kv-r1: cancelled")] * 2


def test_a_look_that_was_ended_in_the_middle_found_nothing() -> None:
    def behave(job: Job, name: str) -> HostResult:
        raise InterruptedRunError("kv-r1: cancelled")

    (result,) = run_together(Hosts(behave), [batch_of("kv-r1", "h1", check=True)])
    assert isinstance(result, InterruptedRunError)


def test_a_batch_that_was_not_begun_when_the_run_was_cancelled_is_as_it_was() -> None:
    def behave(job: Job, name: str) -> HostResult:
        raise ConfigureError("kv-r1: not begun, as the run is cancelled")

    gate = gate_of("h1")
    first, second = run_in_turn(Hosts(behave), standing_batch("kv-r1", "h1", gate=gate), standing_batch("kv-r2", "h2"))
    assert isinstance(first, ConfigureError)
    assert isinstance(second, ProviderError)


def test_a_cancelled_question_after_a_batch_makes_the_batch_count_as_failed() -> None:
    def behave(job: Job, name: str) -> HostResult:
        if job.entry == "health" and " after " in job.name:
            raise InterruptedRunError("kv health: cancelled")
        return HostResult(name, "ok")

    (result,) = run_in_turn(Hosts(behave), standing_batch("kv-r1", "h1", gate=gate_of("h1")))
    assert (result["h1"].status, result["h1"].message) == ("failed", "kv health: cancelled")


def test_members_join_a_standing_engine_one_by_one_and_before_the_others_are_touched() -> None:
    hosts = Hosts()

    async def run() -> None:
        rollout = Rollout(hosts)
        standing = standing_batch("kv-r1", "h1", gate=gate_of("h1"), one_by_one=True)
        joining = [batch_of(f"kv-r{rack}", f"h{rack}", one_by_one=True) for rack in (4, 5)]
        await asyncio.gather(rollout.in_turn(standing), *(rollout.side_by_side(batch) for batch in joining))

    asyncio.run(run())
    assert hosts.ran() == ["main h4 h5", "health h1", "main h1", "health h1"]
    assert [job.serial for job in hosts.jobs if job.entry == "main"] == [1, 1]
    assert all(job.common["etcd_health_changing"] for job in hosts.jobs if job.entry == "health")


def test_members_of_a_new_engine_start_side_by_side() -> None:
    hosts = Hosts()
    run_together(hosts, [batch_of("kv-r1", "h1", one_by_one=True), batch_of("kv-r2", "h2", one_by_one=True)])
    assert [job.serial for job in hosts.jobs] == [0]


def test_the_host_layer_of_replaced_hosts_does_not_wait_for_members_that_come_after_it() -> None:
    """Hosts h1 and h3 came back empty: their members are down until their engine's turn, whichever goes first."""
    down = {"m-h1", "m-h3"}

    def behave(job: Job, name: str) -> HostResult:
        shut = job.entry == "health" and down - set(job.common["etcd_health_except"])
        return failed(name, f"{shut} is down") if shut else HostResult(name, "changed")

    hosts = Hosts(behave)
    hosts.mending = {"h1", "h3"}
    gate = gate_of("h1", "h2", "h3")
    lost = [
        replace(batch_of(f"host-r{rack}", f"h{rack}", gated=True, gates=(gate,)), layer="host", standing=frozenset())
        for rack in (1, 3)
    ]
    results = run_in_turn(hosts, *lost)
    assert not [result for result in results if isinstance(result, Exception)]
    assert [line for line in hosts.ran() if line.startswith("main")] == ["main h1", "main h3"]


def test_a_standing_member_is_not_taken_along_while_others_are_down() -> None:
    def behave(job: Job, name: str) -> HostResult:
        shut = job.entry == "health" and "m-h3" not in job.common["etcd_health_except"]
        return failed(name, "m-h3 is down") if shut else HostResult(name, "changed")

    hosts = Hosts(behave)
    hosts.mending = {"h3"}
    batch = replace(standing_batch("host-r1", "h1", gate=gate_of("h1", "h2", "h3")), layer="host")
    (result,) = run_in_turn(hosts, batch)
    assert isinstance(result, ProviderError)
    assert hosts.ran() == ["health h1"]


def test_members_of_the_engine_that_it_belongs_to_may_be_down_too() -> None:
    common = {"kubernetes_members": [{"name": "worker-1", "host": "h1"}]}
    head = {"kubernetes_control_plane": {"name": "platform", "members": [{"name": "server-3", "host": "h3"}]}}
    gate = Gate("nodes", "kubernetes", {**common, **head, "kubernetes_labels": {"a": "b"}}, gate_of("h1").targets)
    assert gate.members_on({"h3"}) == ["server-3"]
    assert gate.members_on({"h1", "h3"}) == ["worker-1", "server-3"]

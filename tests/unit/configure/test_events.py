"""From ansible-runner's events to one result per host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from greenfield.configure import Connection, Event, Job, Target
from greenfield.configure.events import MESSAGE_LINES, Collector, Plays


def _task(name: str, kind: str = "playbook_on_task_start") -> dict[str, Any]:
    return {"event": kind, "event_data": {"task": name}}


def _host(kind: str, host: str, task: str = "t", ignore: bool = False, **result: Any) -> dict[str, Any]:
    return {
        "event": f"runner_on_{kind}",
        "event_data": {"host": host, "task": task, "res": result, "ignore_errors": ignore},
    }


def _collect(*events: dict[str, Any], hosts: tuple[str, ...] = ("h1",)) -> Collector:
    collector = Collector("job", hosts, None)
    for event in events:
        assert collector.handle(event) is False, "ansible-runner must keep no file of it: it may hold secrets"
    return collector


def test_a_host_that_changed_tells_which_tasks_did() -> None:
    collector = _collect(
        _host("ok", "h1", "Read", changed=False),
        _host("ok", "h1", "Write", changed=True),
        _host("skipped", "h1", "Left out"),
    )
    result = collector.results("unseen")["h1"]
    assert (result.status, result.changed_tasks) == ("changed", ("Write",))
    assert collector.executions == 2


def test_a_failed_host_tells_the_task_and_what_it_said() -> None:
    result = _collect(
        _host("ok", "h1", "Write", changed=True), _host("failed", "h1", "Format the disk", msg="it carries ext4")
    ).results("unseen")["h1"]
    assert (result.status, result.failed_task, result.message) == ("failed", "Format the disk", "it carries ext4")
    assert result.failed


def test_an_ignored_failure_is_none() -> None:
    assert _collect(_host("failed", "h1", ignore=True, msg="no")).results("unseen")["h1"].status == "ok"


def test_a_host_that_does_not_answer_is_not_one_that_failed() -> None:
    result = _collect(_host("unreachable", "h1", msg="timed out")).results("unseen")["h1"]
    assert (result.status, result.message) == ("unreachable", "timed out")


def test_a_host_that_nothing_spoke_of_failed() -> None:
    results = _collect(_host("ok", "h1"), _host("ok", "stranger"), hosts=("h1", "h2")).results("it ended before")
    assert set(results) == {"h1", "h2"}
    assert (results["h2"].status, results["h2"].message) == ("failed", "it ended before")


def test_facts_that_a_role_hands_back_are_kept() -> None:
    result = _collect(
        _host("ok", "h1", ansible_facts={"greenfield_result": {"a": 1}, "other": 2}),
        _host("ok", "h1", ansible_facts={"greenfield_result": {"b": 2}}),
    ).results("unseen")["h1"]
    assert result.facts == {"a": 1, "b": 2}


def test_progress_counts_tasks_and_hosts() -> None:
    told: list[Event] = []
    collector = Collector("job", ["h1", "h2"], told.append)
    for event in (
        _task("Install"),
        _host("ok", "h1"),
        _host("skipped", "h2"),
        _task("Restart", "playbook_on_handler_task_start"),
    ):
        collector.handle(event)
    assert told == [
        Event("job", 1, "Install", 0, 2),
        Event("job", 1, "Install", 1, 2),
        Event("job", 1, "Install", 2, 2),
        Event("job", 2, "Restart", 0, 2),
    ]


def test_what_directs_a_play_is_no_task_of_a_host() -> None:
    meta = _host("skipped", "h1", "End")
    meta["event_data"]["task_action"] = "ansible.builtin.meta"
    collector = _collect(meta)
    assert not collector.seen()
    assert collector.results("unseen")["h1"].failed


def test_a_host_that_was_at_work_when_ansible_died_failed() -> None:
    collector = _collect(_host("ok", "h1", "Write", changed=True), _host("failed", "h2", msg="no"), hosts=("h1", "h2"))
    results = collector.results("unseen", "it died")
    assert [(host.status, host.message) for host in results.values()] == [("failed", "it died"), ("failed", "no")]


def _plays(*events: tuple[str, dict[str, Any]], on_event: Callable[[Event], None] | None = None) -> Plays:
    """Events of the plays that are named, of a job on h1 and one that follows it there."""
    after = Job("after", ("etcd",), (Target("h1", "10.0.0.1"),), Connection("ops", "/known_hosts"))
    plays = Plays(replace(after, name="batch", then=(after,)), on_event)
    for play, event in events:
        assert plays.handle({**event, "event_data": {**event.get("event_data", {}), "play": play}}) is False
    return plays


END = ("", {"event": "playbook_on_stats"})


def test_what_follows_is_collected_apart() -> None:
    told: list[Event] = []
    plays = _plays(
        ("batch", _task("Install")),
        ("batch", _host("ok", "h1", "Install", changed=True, ansible_facts={"greenfield_result": {"a": 1}})),
        ("after", _task("Ask")),
        ("after", _host("ok", "then-0--h1", "Ask", ansible_facts={"greenfield_result": {"formed": False}})),
        END,
        on_event=told.append,
    )
    first = plays.first.results("unseen")["h1"]
    assert (first.status, first.changed_tasks, first.facts) == ("changed", ("Install",), {"a": 1})
    ((collector, result),) = plays.followed()
    assert (collector.job, result.host, result.status, result.facts) == ("after", "h1", "ok", {"formed": False})
    assert (plays.first.executions, collector.executions) == (1, 1)
    assert plays.first.ended < collector.ended
    assert [(event.job, event.task, event.done) for event in told[1:]] == [
        ("batch", 1, 1),
        ("after", 1, 0),
        ("after", 1, 1),
    ]


def test_what_was_not_come_to_or_not_ended_has_no_result() -> None:
    done = ("batch", _host("ok", "h1"))
    assert list(_plays(done, END).followed()) == []
    died = _plays(done, ("after", _host("start", "then-0--h1")))
    assert not died.whole
    assert list(died.followed()) == []


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"msg": "no space"}, "no space"),
        ({"msg": "command failed", "stderr": "E: locked"}, "command failed\nE: locked"),
        ({"msg": "failed: E: locked", "stderr": "E: locked"}, "failed: E: locked"),
        ({"msg": "", "stdout": "\n".join(map(str, range(50)))}, "\n".join(map(str, range(50 - MESSAGE_LINES, 50)))),
        ({"msg": "died", "module_stderr": "Killed", "module_stdout": "x"}, "died\nKilled"),
        ({}, "the module failed without a message"),
        ({"msg": None}, "the module failed without a message"),
        ({"msg": ["a", "b"]}, "['a', 'b']"),
    ],
)
def test_what_a_module_said_is_told_without_the_noise(result: dict[str, Any], message: str) -> None:
    assert _collect(_host("failed", "h1", "t", **result)).results("unseen")["h1"].message == message

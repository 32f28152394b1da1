"""Turns ansible-runner's event stream into one result per host of each play."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from greenfield.configure.job import HostResult, Job, Status, alias

MESSAGE_LINES = 12

META = ("meta", "ansible.builtin.meta")
"""What directs a play is no task of a host."""


@dataclass(frozen=True, slots=True)
class Event:
    """Progress of a job. ``task`` is the running task's number from 1, ``done`` how many hosts have finished it."""

    job: str
    task: int
    name: str
    done: int
    hosts: int


@dataclass(slots=True)
class _State:
    changed: list[str] = field(default_factory=list)
    failed_task: str = ""
    message: str = ""
    unreachable: bool = False
    facts: dict[str, Any] = field(default_factory=dict)
    seen: bool = False


class Collector:
    """Feeds on events and knows, at the end, what became of each host."""

    def __init__(self, job: str, hosts: Iterable[str], on_event: Callable[[Event], None] | None) -> None:
        self.job = job
        self._states = {host: _State() for host in hosts}
        self._on_event = on_event
        self._task = 0
        self._name = ""
        self._done: set[str] = set()
        self.executions = 0
        self.ended = 0.0
        """When a host was last done with a task, by the monotonic clock."""

    def handle(self, event: dict[str, Any]) -> bool:
        """Take one event; the answer tells ansible-runner not to keep a file of it."""
        kind = event.get("event", "")
        data = event.get("event_data") or {}
        if data.get("task_action") in META:
            return False
        if kind in ("playbook_on_task_start", "playbook_on_handler_task_start"):
            self._task += 1
            self._name = data.get("task", "")
            self._done = set()
            self._report()
        elif kind.startswith("runner_on_") and data.get("host") in self._states:
            self._host_event(kind, data)
        return False

    def _host_event(self, kind: str, data: dict[str, Any]) -> None:
        state, result = self._states[data["host"]], data.get("res") or {}
        state.seen = True
        if kind == "runner_on_ok":
            self.executions += 1
            state.facts.update((result.get("ansible_facts") or {}).get("greenfield_result") or {})
            if result.get("changed"):
                state.changed.append(data.get("task", ""))
        elif kind == "runner_on_failed" and not data.get("ignore_errors"):
            self.executions += 1
            state.failed_task, state.message = data.get("task", ""), _message(result)
        elif kind == "runner_on_unreachable":
            state.unreachable, state.message = True, _message(result)
        if kind in ("runner_on_ok", "runner_on_failed", "runner_on_skipped", "runner_on_unreachable"):
            self._done.add(data["host"])
            self.ended = time.monotonic()
            self._report()

    def _report(self) -> None:
        if self._on_event:
            self._on_event(Event(self.job, self._task, self._name, len(self._done), len(self._states)))

    def results(self, unseen: str, cut: str = "") -> dict[str, HostResult]:
        """One result per host.

        Args:
            unseen: the message of a host that no event spoke of.
            cut: that of one which has not failed so far, where Ansible died before its end; empty where it did not.
        """
        return {host: _result(host, state, unseen, cut) for host, state in self._states.items()}

    def seen(self) -> bool:
        """Whether any event spoke of a host."""
        return any(state.seen for state in self._states.values())


class Plays:
    """The events of a job and of the jobs that follow it, each play's by itself."""

    def __init__(self, job: Job, on_event: Callable[[Event], None] | None) -> None:
        self.first = Collector(job.name, (target.name for target in job.targets), on_event)
        self._hosts = [each.targets[0].name for each in job.then]
        self._then = [
            Collector(each.name, (alias(number, host),), on_event)
            for number, (each, host) in enumerate(zip(job.then, self._hosts, strict=True))
        ]
        self._of_play = {collector.job: collector for collector in self._then}
        self.whole = False
        """Whether Ansible came to its end."""

    def handle(self, event: dict[str, Any]) -> bool:
        """Take one event; the answer tells ansible-runner not to keep a file of it."""
        self.whole = self.whole or event.get("event") == "playbook_on_stats"
        play = (event.get("event_data") or {}).get("play", "")
        return self._of_play.get(play, self.first).handle(event)

    def followed(self) -> Iterator[tuple[Collector, HostResult]]:
        """What came of the jobs that followed; without those that were not come to, or not ended."""
        for host, collector in zip(self._hosts, self._then, strict=True):
            if self.whole and collector.seen():
                (result,) = collector.results("").values()
                yield collector, replace(result, host=host)


def _result(host: str, state: _State, unseen: str, cut: str) -> HostResult:
    status: Status
    message = state.message
    if state.unreachable:
        status = "unreachable"
    elif state.failed_task:
        status = "failed"
    elif not state.seen:
        status, message = "failed", unseen
    elif cut:
        status, message = "failed", cut
    else:
        status = "changed" if state.changed else "ok"
    return HostResult(host, status, tuple(state.changed), state.failed_task, message, dict(state.facts))


def _message(result: dict[str, Any]) -> str:
    """What a person needs of a module's failure: its message, then the end of its output."""
    parts = [str(result.get("msg") or "").strip()]
    for key in ("stderr", "module_stderr", "stdout", "module_stdout"):
        text = str(result.get(key) or "").strip()
        if text and text not in parts[0]:
            parts.append("\n".join(text.splitlines()[-MESSAGE_LINES:]))
            break
    return "\n".join(part for part in parts if part) or "the module failed without a message"

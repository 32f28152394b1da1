"""What one run of the plugin does once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from greenfield import configure, state
from greenfield.configure import Connection, Event, HostResult, Job, JobResult, Target
from greenfield.errors import ConfigureError, ProviderError
from greenfield.provider import session as session_module
from greenfield.provider.display import Display
from greenfield.provider.session import Session

JOB = Job("kv-r1", ("etcd",), (Target("h1", "10.0.0.1"),), Connection("ops", "/known_hosts"))


def _session() -> Session:
    return Session(Display(""))


def test_a_second_run_on_the_site_is_refused_and_names_the_first() -> None:
    first, second = _session(), _session()
    asyncio.run(first.before_change("lab"))
    with pytest.raises(ProviderError) as caught:
        asyncio.run(second.before_change("lab"))
    assert f"another run is changing site lab: pid {os.getppid()} of " in caught.value.message
    first.close()
    asyncio.run(second.before_change("lab"))
    second.close()


def test_what_is_left_of_a_killed_run_is_waited_for() -> None:
    """The plugin of a killed Pulumi holds the site until its Ansible runs have ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = state.lock("lab", f"pid {ended.pid} of ops since 2026-11-21 20:04:05")
    session = _session()

    async def cells() -> None:
        waiting = [asyncio.create_task(session.before_change("lab")) for _ in range(3)]
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in waiting)
        left.close()
        await asyncio.gather(*waiting)

    asyncio.run(cells())
    session.close()


def test_a_killed_run_that_does_not_end_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "ENDING_SECONDS", 0.3)
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = state.lock("lab", f"pid {ended.pid} of ops since 2026-11-21 20:04:05")
    with pytest.raises(ProviderError, match=f"pid {ended.pid} of ops"):
        asyncio.run(_session().before_change("lab"))
    left.close()


def test_another_site_is_free_and_a_run_may_ask_again() -> None:
    first, second = _session(), _session()
    asyncio.run(first.before_change("lab"))
    asyncio.run(first.before_change("lab"))
    asyncio.run(second.before_change("other"))
    first.close()
    second.close()


def test_the_preflight_runs_once_however_many_changes_wait_for_it() -> None:
    runs = 0

    async def check() -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0.01)

    async def changes(session: Session) -> None:
        session.set_preflight(check)
        await asyncio.gather(*(session.before_change("lab") for _ in range(5)))

    session = _session()
    asyncio.run(changes(session))
    session.close()
    assert runs == 1


def test_a_preflight_that_fails_fails_every_change() -> None:
    async def check() -> None:
        raise ProviderError("r1-h1 did not answer")

    async def changes(session: Session) -> list[object]:
        session.set_preflight(check)
        return await asyncio.gather(*(session.before_change("lab") for _ in range(3)), return_exceptions=True)

    session = _session()
    results = asyncio.run(changes(session))
    session.close()
    assert [str(result) for result in results] == ["r1-h1 did not answer"] * 3


def test_a_layer_begins_once_and_only_behind_the_preflight() -> None:
    begun: list[str] = []

    async def refuse() -> None:
        raise ProviderError("r1-h1 did not answer")

    async def allow() -> None:
        assert begun == [], "nothing begins before the preflight"

    async def changes(session: Session) -> None:
        session.set_preflight(allow)
        session.set_begin(begun.append)
        await asyncio.gather(*(session.before_change("lab", layer) for layer in ("kv", "cache", "kv", "")))

    refused, session = _session(), _session()
    refused.set_preflight(refuse)
    refused.set_begin(begun.append)
    with pytest.raises(ProviderError):
        asyncio.run(refused.before_change("lab", "kv"))
    refused.close()
    asyncio.run(changes(session))
    session.close()
    assert sorted(begun) == ["cache", "kv"]


def test_no_more_jobs_run_at_once_than_there_are_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, guard = 0, 0, threading.Lock()

    def run(job: Job, **_: object) -> JobResult:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with guard:
            running -= 1
        return JobResult({"h1": HostResult("h1", "ok")}, 0.0, 1, "")

    monkeypatch.setattr(configure, "run", run)

    async def all_of_them(session: Session) -> None:
        await asyncio.gather(*(session.run(JOB, "urn") for _ in range(3 * session_module.ANSIBLE_PROCESSES)))

    asyncio.run(all_of_them(_session()))
    assert most == session_module.ANSIBLE_PROCESSES


def test_progress_is_told_and_a_stop_reaches_running_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    session, lines, stopped = _session(), [], []
    session.display.progress = lambda urn, text: lines.append((urn, text))  # type: ignore[method-assign]

    def run(job: Job, *, on_event, cancelled) -> JobResult:  # type: ignore[no-untyped-def]
        on_event(Event("kv-r1", 4, "Install", 3, 24))
        stopped.append(cancelled())
        session.stop()
        stopped.append(cancelled())
        return JobResult({}, 0.0, 0, "")

    monkeypatch.setattr(configure, "run", run)
    asyncio.run(session.run(JOB, "urn:x"))
    assert lines == [("urn:x", "kv-r1  3/24 hosts  task 4 Install  0 s")]
    assert stopped == [False, True]


def test_the_lock_lies_in_the_users_state(own_state: Path) -> None:
    session = _session()
    asyncio.run(session.before_change("lab"))
    session.close()
    assert (own_state / "greenfield" / "locks" / "lab.lock").exists()


def test_nothing_is_begun_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Job] = []
    monkeypatch.setattr(configure, "run", lambda job, **_: begun.append(job))
    session = _session()
    session.stop()
    with pytest.raises(ConfigureError, match="kv-r1: not begun"):
        asyncio.run(session.run(JOB, "urn"))
    assert begun == []

"""Running a job through ansible-runner, on this machine instead of a host."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from greenfield import content
from greenfield.configure import Connection, Event, Job, Target, bundle, run
from greenfield.configure.run import KEPT_LOGS
from greenfield.errors import ConfigureError, InterruptedRunError

CONNECTION = Connection("root", "/dev/null")
HERE = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": "/usr/bin/python3"}


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Roles, logs and private directories of the test alone; Ansible's own strategy, as nothing is far away."""
    role = tmp_path / "roles" / "probe" / "tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text(
        "- name: Say it\n"
        "  ansible.builtin.set_fact:\n"
        "    greenfield_result: {word: '{{ probe_word }}'}\n"
        "- name: Refuse\n"
        "  ansible.builtin.fail: {msg: 'not {{ inventory_hostname }}'}\n"
        "  when: inventory_hostname in probe_refused\n"
    )
    (role / "ask.yml").write_text(
        "- name: Ask\n"
        "  ansible.builtin.set_fact:\n"
        "    greenfield_result:\n"
        "      name: '{{ inventory_hostname }}'\n"
        "      seen: \"{{ [probe_word | default('no word'), greenfield_result | default('no fact')] }}\"\n"
        "      own: \"{{ probe_own | default('') }}\"\n"
        "- name: Doubt\n"
        "  ansible.builtin.fail: {msg: '{{ inventory_hostname }} is not healthy'}\n"
        "  when: probe_sick is defined\n"
    )
    (role / "die.yml").write_text(
        "- name: Kill Ansible, which has forked what runs this\n"
        "  ansible.builtin.debug:\n"
        "    msg: \"{{ lookup('pipe', 'kill -9 $(cut -d\\\" \\\" -f4 /proc/$PPID/stat)') }}\"\n"
    )
    (role / "true.yml").write_text("- name: Connect\n  ansible.builtin.command: {argv: ['true']}\n")
    (role / "slow.yml").write_text("- name: Sleep\n  ansible.builtin.command: {argv: [sleep, '77']}\n")
    (tmp_path / "private").mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(content, "roles", lambda: tmp_path / "roles")
    monkeypatch.setattr(bundle, "_parent", lambda: tmp_path / "private")
    known = bundle.environment
    monkeypatch.setattr(bundle, "environment", lambda job: {**known(job), "ANSIBLE_STRATEGY": "linear"})
    return tmp_path


def _job(*hosts: str, refused: tuple[str, ...] = (), entry: str = "main", **changes: Any) -> Job:
    targets = tuple(Target(name, "127.0.0.1", {**HERE, "probe_word": "{{ 1 + 1 }}"}) for name in hosts)
    job = Job("Probe r1", ("probe",), targets, CONNECTION, {"probe_refused": list(refused)}, entry)
    return replace(job, **changes)


def _after(host: str, name: str = "after", entry: str = "ask", **variables: Any) -> Job:
    target = Target(host, "127.0.0.1", {**HERE, **variables})
    return Job(name, ("probe",), (target,), CONNECTION, {}, entry)


def test_each_host_has_its_own_result_and_nothing_private_stays(places: Path) -> None:
    events: list[Event] = []
    result = run(_job("h1", "h2", refused=("h2",)), on_event=events.append)
    assert result.hosts["h1"].status == "ok"
    assert result.hosts["h1"].facts == {"word": "{{ 1 + 1 }}"}, "a value is data, never a template"
    assert (result.hosts["h2"].failed_task, result.hosts["h2"].message) == ("Refuse", "not h2")
    assert result.failed
    assert events[-1].hosts == 2
    assert list((places / "private").iterdir()) == []
    log = Path(result.log)
    assert log.is_relative_to(places / "state")
    assert log.name.endswith("-probe-r1.log")
    assert "Refuse" in log.read_text()


def test_a_job_that_ansible_refuses_tells_why() -> None:
    result = run(_job("h1", entry="absent"))
    assert result.hosts["h1"].failed
    assert "Ansible ended before it reached this host" in result.hosts["h1"].message
    assert "absent" in result.hosts["h1"].message


@pytest.mark.parametrize("then", [(), (_after("h1", entry="die"),)])
def test_hosts_that_ansible_was_at_when_it_died_failed(then: tuple[Job, ...]) -> None:
    result = run(_job("h1", entry="main" if then else "die", then=then))
    assert result.hosts["h1"].status == "failed"
    assert "Ansible ended before it was done with this host" in result.hosts["h1"].message
    assert result.then == {}


def test_no_hosts_never_means_all(places: Path) -> None:
    with pytest.raises(ConfigureError, match="no hosts"):
        run(_job())
    with pytest.raises(ConfigureError, match="named twice: h1"):
        run(_job("h1", "h1"))
    assert list((places / "private").iterdir()) == []


def test_a_cancelled_run_says_so_and_leaves_nothing_private(places: Path) -> None:
    with pytest.raises(ConfigureError, match="cancelled"):
        run(_job("h1"), cancelled=lambda: True)
    assert list((places / "private").iterdir()) == []


def test_a_run_cancelled_in_the_middle_ends_soon_and_no_process_of_it_stays(places: Path) -> None:
    events: list[Event] = []
    began = 0.0

    def cancelled() -> bool:
        nonlocal began
        if events and not began and _processes(places):
            began = time.monotonic()
        return bool(began)

    with pytest.raises(InterruptedRunError, match="cancelled"):
        run(_job("h1", "h2", entry="slow"), on_event=events.append, cancelled=cancelled)
    assert time.monotonic() - began < 5
    assert _processes(places) == []


def _processes(places: Path) -> list[str]:
    """Command lines of what runs of this test have started."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_text().replace("\0", " ")
        except OSError:
            continue
        if str(places / "private") in line or "sleep 77" in line:
            found.append(line)
    return found


def test_old_logs_make_room(places: Path) -> None:
    logs = places / "state" / "greenfield" / "logs"
    logs.mkdir(parents=True)
    for number in range(KEPT_LOGS + 20):
        (logs / f"2026-{number:04}.log").touch()
    log = Path(run(_job("h1")).log)
    kept = sorted(path.name for path in logs.iterdir())
    assert len(kept) == KEPT_LOGS + 1
    assert kept[0] == "2026-0020.log"
    assert log.name in kept


def test_what_follows_is_asked_in_the_same_run_and_sees_nothing_of_the_first(places: Path) -> None:
    result = run(_job("h1", "h2", then=(_after("h1", "one", probe_own="mine"), _after("h9", "two"))))
    assert {name: host.facts["word"] for name, host in result.hosts.items()} == {
        "h1": "{{ 1 + 1 }}",
        "h2": "{{ 1 + 1 }}",
    }
    assert {name: list(each.hosts) for name, each in result.then.items()} == {"one": ["h1"], "two": ["h9"]}
    assert result.then["one"].hosts["h1"].facts == {"name": "h1", "seen": ["no word", "no fact"], "own": "mine"}
    assert result.then["two"].hosts["h9"].facts == {"name": "h9", "seen": ["no word", "no fact"], "own": ""}
    assert result.ended < result.then["one"].ended < result.then["two"].ended
    assert result.executions == 2
    assert [result.log] * 2 == [each.log for each in result.then.values()]
    assert len(list((places / "state" / "greenfield" / "logs").iterdir())) == 1


@pytest.mark.parametrize(
    ("refused", "changes"),
    [(("h2",), {}), (("h1", "h2"), {}), (("h2",), {"serial": 1}), ((), {"check": True})],
)
def test_nothing_follows_where_a_host_failed_and_in_check_mode(
    refused: tuple[str, ...], changes: dict[str, Any]
) -> None:
    result = run(_job("h1", "h2", refused=refused, then=(_after("h1"),), **changes))
    assert {name for name, host in result.hosts.items() if host.failed} == {*refused}
    assert result.then == {}


def test_nothing_follows_a_host_that_did_not_answer() -> None:
    away = Target("h2", "127.0.0.1", {"ansible_port": 1, "ansible_become": False})
    job = _job("h1", entry="true", then=(_after("h1"),))
    result = run(replace(job, targets=(*job.targets, away)))
    assert {name: host.status for name, host in result.hosts.items()} == {"h1": "changed", "h2": "unreachable"}
    assert result.then == {}


def test_what_fails_after_leaves_the_first_as_it_was_and_ends_the_run() -> None:
    result = run(_job("h1", "h2", then=(_after("h1", "one", probe_sick=True), _after("h2", "two"))))
    assert not result.failed
    assert list(result.then) == ["one"]
    sick = result.then["one"].hosts["h1"]
    assert (sick.status, sick.failed_task, sick.message) == ("failed", "Doubt", "h1 is not healthy")


def test_a_run_cancelled_while_it_asks_counts_as_ended_in_the_middle(places: Path) -> None:
    asking: list[Event] = []

    def on_event(event: Event) -> None:
        if event.job == "after":
            asking.append(event)

    with pytest.raises(InterruptedRunError, match="cancelled"):
        run(_job("h1", then=(_after("h1", entry="slow"),)), on_event=on_event, cancelled=lambda: bool(asking))
    assert _processes(places) == []


@pytest.mark.parametrize(
    "then",
    [
        (_after("h1", "Probe r1"),),
        (_after("h1"), _after("h2")),
        (replace(_after("h1"), targets=()),),
        (replace(_after("h1"), connection=Connection("root", "/other")),),
        (replace(_after("h1"), then=(_after("h1", "more"),)),),
        (replace(_after("h1"), check=True),),
    ],
)
def test_what_can_not_follow_is_refused(places: Path, then: tuple[Job, ...]) -> None:
    with pytest.raises(ConfigureError, match="follow"):
        run(_job("h1", then=then))
    assert list((places / "private").iterdir()) == []

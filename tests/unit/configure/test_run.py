"""Running a job through ansible-runner, on this machine instead of a host."""

from __future__ import annotations

import time
from pathlib import Path

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
    (role / "slow.yml").write_text("- name: Sleep\n  ansible.builtin.command: {argv: [sleep, '77']}\n")
    (tmp_path / "private").mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(content, "roles", lambda: tmp_path / "roles")
    monkeypatch.setattr(bundle, "_parent", lambda: tmp_path / "private")
    known = bundle.environment
    monkeypatch.setattr(bundle, "environment", lambda job: {**known(job), "ANSIBLE_STRATEGY": "linear"})
    return tmp_path


def _job(*hosts: str, refused: tuple[str, ...] = (), entry: str = "main") -> Job:
    targets = tuple(Target(name, "127.0.0.1", {**HERE, "probe_word": "{{ 1 + 1 }}"}) for name in hosts)
    return Job("Probe r1", ("probe",), targets, CONNECTION, {"probe_refused": list(refused)}, entry)


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

"""A job as a private data directory."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from greenfield import content
from greenfield.configure import Connection, Job, Target, bundle

JOB = Job(
    "Host layer r1",
    ("baseline", "pki"),
    (
        Target("r1-h1", "10.0.0.1", {"own": "plain", "evil": "{{ lookup('pipe', 'id') }}"}),
        Target("r1-h2", "10.0.0.2", {"deep": [{"a": ["{% for %}"]}]}),
    ),
    Connection("ops", "/site/known_hosts", "/site/id", 2222),
    {"pki_private_key": "secret", "number": 7, "flag": True, "nothing": None},
)


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where private data directories are made."""
    monkeypatch.setattr(bundle, "_parent", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def folder(parent: Path) -> Iterator[Path]:
    """The job's directory."""
    made = bundle.make(JOB)
    yield made
    bundle.remove(made)


def _inventory(folder: Path, group: str = "targets") -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "inventory" / "hosts.json").read_text())["all"]["children"][group]
    return loaded


def test_only_the_user_can_look_into_it_and_it_goes_away(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    bundle.remove(folder)
    assert not folder.exists()
    bundle.remove(folder)


def test_the_inventory_says_how_hosts_are_reached(folder: Path) -> None:
    inventory = _inventory(folder)
    assert inventory["hosts"]["r1-h1"]["ansible_host"] == "10.0.0.1"
    assert inventory["hosts"]["r1-h1"]["own"] == "plain"
    shared = inventory["vars"]
    assert (shared["ansible_user"], shared["ansible_port"]) == ("ops", 2222)
    assert shared["ansible_ssh_private_key_file"] == "/site/id"
    assert (shared["number"], shared["flag"], shared["nothing"]) == (7, True, None)


def test_a_value_that_looks_like_a_template_is_marked_as_data(folder: Path) -> None:
    hosts = _inventory(folder)["hosts"]
    assert hosts["r1-h1"]["evil"] == {"__ansible_unsafe": "{{ lookup('pipe', 'id') }}"}
    assert hosts["r1-h2"]["deep"] == [{"a": [{"__ansible_unsafe": "{% for %}"}]}]


def test_ansible_itself_takes_such_a_value_as_it_stands(folder: Path) -> None:
    command = [Path(bundle.environment(JOB)["PATH"].split(":")[0]) / "ansible", "-i", folder / "inventory", "r1-h1"]
    result = subprocess.run(
        [*command, "-c", "local", "-m", "ansible.builtin.debug", "-a", "var=evil"],
        env={**bundle.environment(JOB), "HOME": str(folder), "ANSIBLE_STRATEGY": "linear"},
        cwd=folder / "project",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "lookup('pipe', 'id')" in result.stdout, result.stdout + result.stderr
    assert "uid=" not in result.stdout


def test_the_play_runs_the_roles_in_order_on_all_at_once(folder: Path) -> None:
    (play,) = json.loads((folder / "project" / "play.json").read_text())
    assert play["serial"] == 2
    assert not play["gather_facts"]
    assert [task["ansible.builtin.import_role"] for task in play["tasks"]] == [
        {"name": "baseline", "tasks_from": "main", "rolespec_validate": False},
        {"name": "pki", "tasks_from": "main", "rolespec_validate": False},
    ]


def test_what_follows_has_a_play_and_variables_of_its_own(parent: Path) -> None:
    """Host r1-h1 is in both, and neither play sees what the other is given."""
    asked = Target("r1-h1", "10.0.0.1", {"asked_key": "key of one"})
    common = {"asked_word": "{{ evil }}", "asked_secret": "hidden"}
    first = Job("etcd health after r1", ("etcd",), (asked,), JOB.connection, common, "health")
    second = replace(first, name="redis health after r1", roles=("redis",), targets=(Target("r2-h7", "10.0.0.7"),))
    folder = bundle.make(replace(JOB, then=(first, second)))
    own, then = _inventory(folder), _inventory(folder, "then_0")
    assert list(own["hosts"]) == ["r1-h1", "r1-h2"]
    assert then["hosts"] == {"then-0--r1-h1": {"asked_key": "key of one", "ansible_host": "10.0.0.1"}}
    assert then["vars"]["asked_word"] == {"__ansible_unsafe": "{{ evil }}"}
    assert {*own["vars"]} & {*then["vars"]} == {key for key in then["vars"] if key.startswith("ansible_")}
    text = (folder / "project" / "play.json").read_text()
    _, play, last = json.loads(text)
    assert (play["name"], play["hosts"], play["serial"]) == (first.name, "targets:then_0", [2, 1])
    assert play["tasks"][-1]["vars"] == {"inventory_hostname": "r1-h1"}
    assert play["tasks"][-1]["ansible.builtin.import_role"]["tasks_from"] == "health"
    assert (last["hosts"], last["tasks"][-1]["vars"]) == ("targets:then_1", {"inventory_hostname": "r2-h7"})
    assert "hidden" not in text
    assert "key of one" not in text


def test_nothing_follows_in_check_mode(parent: Path) -> None:
    then = replace(JOB, name="after", targets=JOB.targets[:1])
    folder = bundle.make(replace(JOB, check=True, then=(then,)))
    (play,) = json.loads((folder / "project" / "play.json").read_text())
    assert play["name"] == JOB.name


def test_host_keys_are_always_checked_and_nothing_of_the_user_leaks_in(folder: Path) -> None:
    environment = bundle.environment(JOB)
    assert "StrictHostKeyChecking=yes" in environment["ANSIBLE_SSH_ARGS"]
    assert "UserKnownHostsFile=/site/known_hosts" in environment["ANSIBLE_SSH_ARGS"]
    assert environment["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert environment["ANSIBLE_CONFIG"] == "ansible.cfg"
    assert (folder / "project" / "ansible.cfg").read_text() == "[defaults]\ninternal_poll_interval = 0.01\n"
    assert environment["ANSIBLE_ROLES_PATH"] == str(content.roles())


def test_no_secret_is_in_the_environment() -> None:
    assert "secret" not in json.dumps(bundle.environment(JOB))


def test_directories_of_dead_runs_are_removed_and_those_of_others_stay(parent: Path) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    dead = parent / f"{bundle.PREFIX}{process.pid}-abc"
    alive = parent / f"{bundle.PREFIX}{os.getpid()}-abc"
    foreign = parent / "somebody-elses"
    for each in (dead, alive, foreign):
        (each / "inventory").mkdir(parents=True)
    made = bundle.make(JOB)
    assert not dead.exists()
    assert alive.exists()
    assert foreign.exists()
    assert made.name.startswith(f"{bundle.PREFIX}{os.getpid()}-")

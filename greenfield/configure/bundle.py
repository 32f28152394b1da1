"""A job as ansible-runner's private data directory: inventory, play and environment.

The inventory holds secrets, so the directory is 0700, lies in memory where the machine has a tmpfs, and is removed
after the run. One that a killed run left behind is removed by the next run.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible_mitogen

from greenfield import content
from greenfield.configure.job import Job, Target, alias

PREFIX = "greenfield-run-"
FORKS = 50
TARGETS = "targets"
"""The inventory's group of the job's own hosts."""

SETTINGS = "[defaults]\ninternal_poll_interval = 0.01\n"
"""Only what has no environment variable. Ansible looks for results a thousand times a second unless told."""
CONNECT_SECONDS = 10
"""For TCP and SSH's key exchange (ssh_config(5), ConnectTimeout): a host that is gone or frozen is missed then."""

LOGIN_SECONDS = 30
"""For all of a login, with sudo and the start of Python on the host: one that answers may be busy."""


def make(job: Job) -> Path:
    """Write the private data directory of a job and return its path. The caller removes it with ``remove``."""
    _remove_orphans(_parent())
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=_parent()))
    (folder / "inventory").mkdir()
    (folder / "inventory" / "hosts.json").write_text(json.dumps(_inventory(job)))
    (folder / "project").mkdir()
    # In the run's working directory: it keeps Ansible from reading the user's own.
    (folder / "project" / "ansible.cfg").write_text(SETTINGS)
    (folder / "project" / "play.json").write_text(json.dumps(_plays(job)))
    return folder


def remove(folder: Path) -> None:
    """Remove a private data directory; a missing one is fine."""
    shutil.rmtree(folder, ignore_errors=True)


def environment(job: Job) -> dict[str, str]:
    """The environment of ansible-playbook. Nothing of the user's own Ansible configuration leaks in."""
    connection = job.connection
    ssh = [
        "-o StrictHostKeyChecking=yes",
        f"-o UserKnownHostsFile={connection.known_hosts}",
        "-o GlobalKnownHostsFile=/dev/null",
        "-o BatchMode=yes",
        f"-o ConnectTimeout={CONNECT_SECONDS}",
        "-o ControlMaster=auto",
        "-o ControlPersist=60s",
    ]
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        "ANSIBLE_CONFIG": "ansible.cfg",
        "ANSIBLE_ROLES_PATH": str(content.roles()),
        "ANSIBLE_COLLECTIONS_PATH": str(content.collections()),
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_STRATEGY_PLUGINS": str(Path(ansible_mitogen.__file__).parent / "plugins" / "strategy"),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_SSH_ARGS": " ".join(ssh),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_TIMEOUT": str(LOGIN_SECONDS),
        "ANSIBLE_FORKS": str(FORKS),
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "ANSIBLE_INJECT_FACT_VARS": "False",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_VARIABLE_PLUGINS_ENABLED": "host_group_vars",
    }


def _inventory(job: Job) -> dict[str, Any]:
    groups = {TARGETS: _group(job, {target.name: target for target in job.targets})}
    for number, each in enumerate(job.then):
        groups[_then(number)] = _group(each, {alias(number, target.name): target for target in each.targets})
    return {"all": {"children": groups}}


def _group(job: Job, targets: Mapping[str, Target]) -> dict[str, Any]:
    connection = job.connection
    common: dict[str, Any] = {
        **job.common,
        "ansible_user": connection.user,
        "ansible_port": connection.port,
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    if connection.identity_file:
        common["ansible_ssh_private_key_file"] = connection.identity_file
    hosts = {name: {**target.variables, "ansible_host": target.address} for name, target in targets.items()}
    return {"vars": _unsafe(common), "hosts": _unsafe(hosts)}


def _then(number: int) -> str:
    return f"then_{number}"


def _unsafe(value: Any) -> Any:
    """Mark every string that looks like a template as data, so that no value of a spec is ever evaluated."""
    if isinstance(value, str):
        return {"__ansible_unsafe": value} if "{{" in value or "{%" in value else value
    if isinstance(value, Mapping):
        return {key: _unsafe(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_unsafe(item) for item in value]
    return value


def _plays(job: Job) -> list[dict[str, Any]]:
    first = _play(job, TARGETS, job.serial or len(job.targets), [_task(role, job.entry) for role in job.roles])
    return [first, *(_following(job, each, number) for number, each in enumerate(job.then) if not job.check)]


def _following(first: Job, job: Job, number: int) -> dict[str, Any]:
    """A play after that of ``first``, whose hosts take part to show whether one of them failed, and in no task."""
    judge = {
        "name": "Go on only where every host is done",
        "ansible.builtin.meta": "end_play",
        "when": "ansible_play_hosts | length < ansible_play_hosts_all | length",
    }
    # Asked once for all of them; `end_host` would be asked of each.
    leave = {
        "name": "Leave out the hosts that are done",
        "ansible.builtin.meta": "end_batch",
        "when": f"inventory_hostname in groups['{TARGETS}']",
    }
    # What a role is told of where it runs is the host's own name all the same.
    name = {"inventory_hostname": job.targets[0].name}
    tasks = [{**_task(role, job.entry), "vars": name} for role in job.roles]
    return _play(job, f"{TARGETS}:{_then(number)}", [len(first.targets), 1], [judge, leave, *tasks])


def _play(job: Job, hosts: str, serial: int | list[int], tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": job.name, "hosts": hosts, "gather_facts": False, "become": True, "serial": serial, "tasks": tasks}


def _task(role: str, entry: str) -> dict[str, Any]:
    """A role. What it is given was judged before (``arguments``)."""
    imported = {"name": role, "tasks_from": entry, "rolespec_validate": False}
    return {"name": role, "ansible.builtin.import_role": imported}


def _parent() -> Path:
    memory = Path("/dev/shm")  # noqa: S108 (a folder of ours is made in it by mkdtemp)
    return memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())


def _remove_orphans(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).split("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)

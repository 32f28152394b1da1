"""The same outcome by ``ansible-playbook`` as it comes: no Mitogen, no pipelining, five forks, a task a thing."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import yaml

from bench.process import BenchError, Measured, run
from bench.site import BenchSite, Layer
from greenfield import content

PLAYBOOK = Path(__file__).resolve().parent / "plain"

LOOK = (PLAYBOOK / "look.sh").read_text()


def run_playbook(site: BenchSite, host_layer: Layer, engine: Layer) -> Measured:
    """Bring bare hosts to the outcome of both layers.

    Raises:
        BenchError: the playbook failed.
    """
    inventory = site.folder / "plain.json"
    descriptor = os.open(inventory, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(_inventory(site, host_layer, engine), file)
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), "site.yml"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    return run(command, environment=environment | {"ANSIBLE_NOCOLOR": "1"}, folder=PLAYBOOK, timeout_seconds=1800)


def _inventory(site: BenchSite, host_layer: Layer, engine: Layer) -> dict[str, Any]:
    access = site.site.access
    pinned = f"-o UserKnownHostsFile={access.known_hosts} -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes"
    variables = {
        **_defaults(*host_layer.roles, *engine.roles),
        **host_layer.common,
        **engine.common,
        "roles": str(content.roles()),
        "ansible_user": access.user,
        "ansible_ssh_private_key_file": access.identity_file,
        "ansible_ssh_common_args": pinned,
    }
    hosts: dict[str, dict[str, Any]] = {}
    for target in (*host_layer.targets, *engine.targets):
        hosts.setdefault(target.name, {"ansible_host": target.address}).update(target.variables)
    members: dict[str, dict[str, str]] = {target.name: {} for target in engine.targets}
    return {"all": {"vars": variables, "hosts": hosts, "children": {"etcd": {"hosts": members}}}}


def _defaults(*roles: str) -> dict[str, Any]:
    """What roles fall back to; in the inventory, where the plan's values go before them."""
    found: dict[str, Any] = {}
    for role in roles:
        found |= yaml.safe_load((content.roles() / role / "defaults" / "main.yml").read_text())
    return found


def outcome(site: BenchSite) -> dict[str, list[str]]:
    """What each host is now, as lines."""
    return {host: site.lab.run(host, LOOK, timeout_seconds=120).stdout.splitlines() for host in site.site.hosts}


def assert_same(ours: dict[str, list[str]], plain: dict[str, list[str]]) -> int:
    """Refuse to compare times of different outcomes; returns how many facts were equal.

    Raises:
        BenchError: hosts ended differently; says how.
    """
    differences = [
        f"{host}: {line}"
        for host in ours
        for line in [
            *(f"only Greenfield: {line}" for line in ours[host] if line not in plain[host]),
            *(f"only the playbook: {line}" for line in plain[host] if line not in ours[host]),
        ]
    ]
    if differences:
        raise BenchError(f"{len(differences)} facts differ between the two ways:\n" + "\n".join(differences[:40]))
    return sum(len(lines) for lines in ours.values())

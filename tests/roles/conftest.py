"""One small lab for the scenarios of all roles: six hosts in three racks, booted bare, delivered role by role."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra
from scenario import ROLES_IN_ORDER, Scenarios
from testinfra.host import Host

from greenfield.artifacts import mirror_dir, registry_url
from greenfield.artifacts.catalogue import names_for
from greenfield.artifacts.mirror import make_lock, sync
from greenfield.lab.lab import Lab
from greenfield.plan.build import make_plan
from greenfield.plan.plan import Plan
from greenfield.spec import Spec, load

SEAT = {
    "engines": {"etcd": "3.6", "redis": "7.0", "containers": "1.6"},
    "memory_gib": 4,
    "inotify": 60,
    "reads": ["tests/roles/site"],
    "setup_seconds": 60,
}
"""What the runner has to know of it (prove/event.py)."""

SITE = Path(__file__).parent / "site"
KEEP = "GREENFIELD_KEEP_LAB"
"""Set to 1, this keeps the lab for the next session, which then starts from hosts that are not bare."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """This folder's tests in the order of a delivery, whatever the files are called; those of other folders stay."""
    here = [place for place, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    rank = {f"test_{role}": place for place, role in enumerate(ROLES_IN_ORDER)}
    ordered = sorted((items[place] for place in here), key=lambda item: rank.get(item.path.stem, len(rank)))
    for place, item in zip(here, ordered, strict=True):
        items[place] = item


@pytest.fixture(scope="session")
def spec() -> Spec:
    """The spec of the lab's site and of the cluster on it."""
    return load([SITE])


@pytest.fixture(scope="session")
def plan(spec: Spec) -> Plan:
    """What stands where in the lab."""
    cluster, site = spec.cluster()
    return make_plan(site, cluster)


_UP: list[Lab] = []


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The lab goes with the last test of this folder, for the labs that come after (docs/lab.md, "Kernel")."""
    if _UP and (nextitem is None or nextitem.path.parent != item.path.parent):
        _UP.pop().down()


@pytest.fixture(scope="session")
def lab(plan: Plan, facts: dict[str, Any]) -> Iterator[Lab]:
    """The booted lab; bare at the start of a session and gone at its end, unless it is kept.

    After ``facts``, because it serves what the mirror holds when it comes up.
    """
    lab = Lab(plan.site)
    keep = os.environ.get(KEEP) == "1"
    if not (keep and all(status.state == "running" for status in lab.status())):
        lab.down()
    lab.up()
    if not keep:
        _UP.append(lab)
    try:
        yield lab
    finally:
        if not keep:
            lab.down()


@pytest.fixture(scope="session")
def facts(spec: Spec, plan: Plan) -> dict[str, Any]:
    """What roles need beyond the plan; the site's mirror holds all of it afterwards. Passwords are this session's."""
    lock = make_lock(plan.site.name, names_for(spec.clusters.values()))
    sync(lock, mirror_dir(plan.site.name))
    return {
        "baseline_apt_key": lock.apt_key,
        "baseline_artifacts": lock.digest_of(["host"]),
        "containerd_registry_url": registry_url(plan.site.mirror.url),
        "containerd_registry_certificate": lock.registry_certificate,
        "etcd_files": lock.files_of("etcd-3.6", plan.site.mirror.url),
        "redis_passwords": {user: secrets.token_urlsafe(24) for user in ("admin", "app", "replication", "metrics")},
    }


@pytest.fixture(scope="session")
def scenario(plan: Plan, lab: Lab, facts: dict[str, Any]) -> Scenarios:
    """``scenario("etcd", form=True)`` converges a role on all its hosts and judges idempotence and check mode."""
    return Scenarios(plan, facts)


@pytest.fixture(scope="session")
def connect(plan: Plan, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Host]:
    """``connect("r1-h1")`` is a testinfra host, root on the host, over one SSH connection that stays."""
    access = plan.site.access
    sockets = tmp_path_factory.mktemp("ssh")
    options = (
        f"-o UserKnownHostsFile={access.known_hosts} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes "
        f"-o ControlMaster=auto -o ControlPersist=120 -o ControlPath={sockets}/%C"
    )
    hosts: dict[str, Host] = {}

    def connected(name: str) -> Host:
        if name not in hosts:
            hosts[name] = testinfra.get_host(
                f"ssh://{access.user}@{plan.site.hosts[name].address}",
                ssh_identity_file=access.identity_file,
                ssh_extra_args=options,
                sudo=True,
            )
        return hosts[name]

    return connected

"""A cell's inputs, and hosts that do what a test says instead of what Ansible would."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from greenfield.configure import HostResult, Job, JobResult
from greenfield.model.packed import pack
from greenfield.provider import rollout
from greenfield.provider.cell import Cell
from greenfield.provider.display import Display
from greenfield.provider.rollout import Rollout
from greenfield.provider.session import Session
from greenfield.provider.x509 import Pair, make_authority

AUTHORITY = make_authority("test site authority", 10 * 365 * 86400, datetime(2026, 1, 1, tzinfo=UTC))
OTHER_AUTHORITY = make_authority("test site authority", 10 * 365 * 86400, datetime(2026, 1, 1, tzinfo=UTC))
DAY = 86400


def host(name: str, **variables: Any) -> str:
    """A host's entry in a cell's inputs."""
    subject = {"common_name": f"{name}.lab", "dns": [name], "addresses": ["10.0.0.1"], "usages": ["server"]}
    return json.dumps({"address": "10.0.0.1", "variables": variables, "subject": subject})


def inputs(*hosts: str, **changes: Any) -> dict[str, Any]:
    """Inputs of a cell of the engine kv, whose hosts have a variable of their own."""
    return {
        "site": "lab",
        "cell": "kv-r1",
        "layer": "kv",
        "pool": "control",
        "rack": "r1",
        "roles": ["etcd"],
        "content": "c0ffee",
        "common": json.dumps({"etcd_quota": 1}),
        "secrets": {},
        "hosts": {name: host(name, etcd_member=name) for name in hosts},
        "certificatePrefix": "etcd",
        "authority": pair(AUTHORITY),
        "lifetimeSeconds": 90 * DAY,
        "renewBeforeSeconds": 30 * DAY,
        "connection": {"user": "ops", "port": 22, "identityFile": "", "knownHosts": "/known_hosts"},
        "quarantined": [],
        "gates": [],
        "wipe": False,
        **changes,
    }


def pair(authority: Pair) -> dict[str, str]:
    """An authority as cells take it."""
    return {"certificate": authority.certificate, "privateKey": authority.private_key}


def gate(*members: str) -> str:
    """The gate of the engine kv, whose member N stands on host N and is asked there."""
    entry = {
        "engine": "kv",
        "role": "etcd",
        "common": pack({"etcd_members": [{"name": f"m-{name}", "host": name} for name in members]}),
        "targets": [{"name": name, "address": "10.0.0.1", "variables": {}} for name in members],
    }
    return json.dumps(entry)


class Hosts(Session):
    """A session whose jobs end as ``behave`` says (every host ``changed`` by default), and which keeps them.

    ``jobs`` has all in the order they were come to, those that followed another one too; ``runs`` those that a run of
    Ansible began with.
    """

    def __init__(self, behave: Callable[[Job, str], HostResult] | None = None) -> None:
        super().__init__(Display(""))
        self.jobs: list[Job] = []
        self.runs: list[Job] = []
        self.begun: list[str] = []
        self.behave = behave or (lambda job, name: HostResult(name, "changed", ("did it",)))
        self.warnings: list[str] = []
        self.display.warn = lambda urn, text: self.warnings.append(text)  # type: ignore[method-assign]

    async def before_change(self, site: str, layer: str = "") -> None:
        """No lock: several of these stand for runs that follow each other."""
        self.begun.append(layer)

    async def run(self, job: Job, urn: str) -> JobResult:
        """Keep the job; ask ``behave`` for each host's result, and for those of what follows until one failed."""
        self.runs.append(job)
        result = self._come_to(job)
        then: dict[str, JobResult] = {}
        for each in job.then:
            if any(known.failed for known in (result, *then.values())):
                break
            then[each.name] = self._come_to(each)
        return replace(result, then=then)

    def _come_to(self, job: Job) -> JobResult:
        self.jobs.append(job)
        hosts = {target.name: self.behave(job, target.name) for target in job.targets}
        return JobResult(hosts, 0.0, 1, "/log", time.monotonic())

    def ran(self) -> list[str]:
        """Entry point and hosts of each job, in order."""
        return [f"{job.entry} {' '.join(target.name for target in job.targets)}" for job in self.jobs]


def cell_on(session: Session) -> Cell:
    """The resource type, with rollouts that don't wait for more batches."""
    rollouts: dict[str, Rollout] = {}
    return Cell(session, lambda layer: rollouts.setdefault(layer, Rollout(session)))


def failed(name: str, message: str = "no space left", status: Any = "failed") -> HostResult:
    """A host that failed."""
    return HostResult(name, status, (), "Install" if status == "failed" else "", message)


rollout.QUIET_SECONDS = 0.01

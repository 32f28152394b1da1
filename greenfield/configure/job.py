"""What is to be run on which hosts, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Connection:
    """How the workstation reaches hosts. An empty ``identity_file`` leaves the choice to ssh (agent, default keys)."""

    user: str
    known_hosts: str
    identity_file: str = ""
    port: int = 22


@dataclass(frozen=True, slots=True)
class Target:
    """One host: its name, the address to connect to, and the variables that are its own (secrets among them)."""

    name: str
    address: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """Roles to apply to targets.

    Attributes:
        name: for people and for the log's file name, e.g. ``host layer r1``.
        roles: names below ``roles/``, in order.
        targets: hosts, none twice; an empty job is refused.
        common: variables that all targets share (secrets among them).
        entry: the ``tasks_from`` of each role (``main``, ``form``, ``health``, ``drain``, ``remove``).
        check: run in check mode: nothing changes, what would change is reported.
        serial: at most so many hosts at a time; 0 means all at once.
        then: jobs of one host each that follow in the same run of Ansible, one after the other, as long as no host
            fails; in check mode none does. Each has a name of its own.
    """

    name: str
    roles: tuple[str, ...]
    targets: tuple[Target, ...]
    connection: Connection
    common: Mapping[str, Any] = field(default_factory=dict)
    entry: str = "main"
    check: bool = False
    serial: int = 0
    then: tuple[Job, ...] = ()


def alias(number: int, host: str) -> str:
    """What Ansible calls a host in a job that follows, counted from 0.

    The host may be in the first job too, and neither may see the other's variables or facts.
    """
    return f"then-{number}--{host}"


Status = Literal["ok", "changed", "failed", "unreachable"]


@dataclass(frozen=True, slots=True)
class HostResult:
    """What came of one host. ``facts`` holds what a role handed back with ``set_stats`` or ``greenfield_result``."""

    host: str
    status: Status
    changed_tasks: tuple[str, ...] = ()
    failed_task: str = ""
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the host did not reach its desired state."""
        return self.status in ("failed", "unreachable")


@dataclass(frozen=True, slots=True)
class JobResult:
    """What came of a job.

    Attributes:
        executions: module executions over all hosts.
        log: the full output's path.
        ended: when its last host was done, by the monotonic clock.
        then: by name what came of the jobs that followed; those that were not come to are missing.
    """

    hosts: Mapping[str, HostResult]
    seconds: float
    executions: int
    log: str
    ended: float = 0.0
    then: Mapping[str, JobResult] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether any host failed."""
        return any(result.failed for result in self.hosts.values())

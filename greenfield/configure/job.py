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
    """

    name: str
    roles: tuple[str, ...]
    targets: tuple[Target, ...]
    connection: Connection
    common: Mapping[str, Any] = field(default_factory=dict)
    entry: str = "main"
    check: bool = False
    serial: int = 0


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
    """What came of a job. ``executions`` counts module executions over all hosts; ``log`` is the full output's path."""

    hosts: Mapping[str, HostResult]
    seconds: float
    executions: int
    log: str

    @property
    def failed(self) -> bool:
        """Whether any host failed."""
        return any(result.failed for result in self.hosts.values())

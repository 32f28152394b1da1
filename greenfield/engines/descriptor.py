"""What the plan needs to know of an engine kind, without knowing the kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from greenfield.engines.credential import Bearer, Credential
from greenfield.engines.version_path import VersionPath
from greenfield.model.cluster import EngineSpec
from greenfield.model.problem import Problem


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a member listens on.

    ``audience`` says who may connect: ``peers`` (hosts with a member of the same engine), ``clients``
    (every host of the cluster, and the site's admin networks), ``admin`` (the site's admin networks), ``nodes`` (hosts
    with a member of the engine, or of one that belongs to it, and the networks it makes inside) or
    ``nodes-and-clients`` (``clients``, and the networks it makes inside).
    """

    number: int
    purpose: str
    audience: Literal["peers", "clients", "admin", "nodes", "nodes-and-clients"]
    protocol: Literal["tcp", "udp"] = "tcp"


@dataclass(frozen=True, slots=True)
class Slot:
    """A member that an engine wants placed, before it has a host.

    Attributes:
        name: member name, unique in the engine, e.g. ``member-1`` or ``shard-1-b``.
        group: members of one group are placed in different racks (a quorum, a shard).
        quorum: how many of the group must live for the group to serve.
        memory_bytes: resident memory the member may take at its limits.
        disk_bytes: disk it may take at its limits.
        ports: what it listens on.
        directories: data directories it owns on its host; no other engine may use them.
        role: how the member starts life, for people to read (``primary``, ``replica``, ``member``).
        disk: the name of the data disk the directories lie on.
        electorate: name of a body that this member votes in beyond its group, e.g. the primaries of all shards, a
            majority of which must live to elect a failed one's successor; empty for none.
    """

    name: str
    group: str
    quorum: int
    memory_bytes: int
    disk_bytes: int
    ports: tuple[Port, ...]
    directories: tuple[str, ...]
    role: str
    disk: str = "data"
    electorate: str = ""


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Kernel settings and limits an engine needs of its hosts. Two engines that need different values of one key clash.

    Attributes:
        sysctls: key to value.
        transparent_hugepage: ``never``, ``madvise`` or ``always``; ``None`` where the engine does not care.
        open_files: the soft and hard nofile limit of its processes (a minimum, the greatest wins).
    """

    sysctls: Mapping[str, str]
    transparent_hugepage: str | None = None
    open_files: int = 1024


@dataclass(frozen=True, slots=True)
class Capacity:
    """What demand needs of an engine and what the engine's limits give, in bytes of the named resource."""

    needed_bytes: float
    limit_bytes: float
    resource: str


def no_capacity(_engine: EngineSpec) -> Capacity | None:
    """For kinds without a capacity model."""
    return None


def no_credentials(_bearer: Bearer) -> Mapping[str, Credential]:
    """For kinds whose members need no more than their own certificate."""
    return {}


def nothing_before(_engine: EngineSpec) -> dict[str, Any]:
    """For kinds whose layer runs no other role, or tells it nothing."""
    return {}


def no_networks(_engine: EngineSpec) -> tuple[str, ...]:
    """For kinds that make no networks of their own."""
    return ()


def members_up_to(domains: int) -> tuple[str, str]:
    """The common case: one group whose size is the option ``members``."""
    return "members", f"members: {domains}" if domains else ""


@dataclass(frozen=True, slots=True)
class EngineKind:
    """An engine kind.

    Attributes:
        name: the word the spec uses for ``kind``.
        versions: supported versions, as users write them, oldest first.
        role: the Ansible role that configures a member.
        slots: the members an engine spec asks for, in a stable order.
        host_settings: what it needs of its hosts.
        artifacts: names in the artifact catalogue that its hosts install, for a version.
        check: further rules of the kind; problems with paths relative to the engine (``("members",)``).
        variables: what the role is told of the whole engine and is the same on each of its hosts
            (JSON values); given the engine and the placement (slot name to host name and address).
        member_fields: what the role is told of each member beside name, host and address (``group``, ``role``).
        fewer: the option that decides how large a group is, and its setting for at most so many failure domains,
            both as the spec spells them; the setting is empty when no value would do.
        capacity: what the stated demand needs against what the engine's limits give; ``None`` without a demand.
        live: names in ``variables`` (and ``members``) that the role applies without restarting a member.
        password_users: users whose passwords the delivery draws; the role gets them as ``<role>_passwords``.
        fetches_files: whether the role downloads files of the artifact lock; it gets them as ``<role>_files``.
        roles_before: roles that its layer runs before ``role``.
        before: what those roles are told of the engine, under the variables' full names.
        references: options that name another engine of the cluster, and that engine's kind; it stands first, and the
            role is told of it as ``<role>_<option>``.
        belongs_to: the option (one of ``references``) that names the engine it is part of: it shares that engine's
            authority, and is formed and judged from that engine's members.
        credentials: what each member proves itself with beside its own certificate; ``<role>_pki`` by file name.
        tells_rack: whether the role is told each host's rack, as ``<role>_rack``.
        inner_networks: networks that it makes inside the cluster, from its options.
        restorable: whether a delivery can begin it from a snapshot; its role is told the file as ``<role>_restore``.
        one_by_one: whether members join or restart one after the other once the engine stands, in one rack too.
        version_path: how its version may change once it stands; ``None`` where any change is taken.
        lag: how many minor versions it may be older than the engine that it belongs to; it is never newer.
        data_tier: whether it holds data that must not be lost (guards deletes, stops at the first failed host).
    """

    name: str
    versions: tuple[str, ...]
    role: str
    slots: Callable[[EngineSpec], Sequence[Slot]]
    host_settings: Callable[[EngineSpec], HostSettings]
    artifacts: Callable[[str], tuple[str, ...]]
    check: Callable[[EngineSpec], Sequence[Problem]]
    variables: Callable[[EngineSpec], dict[str, Any]]
    roles_before: tuple[str, ...] = ()
    before: Callable[[EngineSpec], dict[str, Any]] = nothing_before
    references: Mapping[str, str] = field(default_factory=dict)
    belongs_to: str = ""
    credentials: Callable[[Bearer], Mapping[str, Credential]] = no_credentials
    tells_rack: bool = False
    inner_networks: Callable[[EngineSpec], tuple[str, ...]] = no_networks
    version_path: VersionPath | None = None
    lag: int = 0
    data_tier: bool = True
    password_users: tuple[str, ...] = ()
    fetches_files: bool = False
    restorable: bool = False
    one_by_one: bool = False
    member_fields: tuple[str, ...] = ()
    fewer: Callable[[int], tuple[str, str]] = members_up_to
    capacity: Callable[[EngineSpec], Capacity | None] = no_capacity
    live: frozenset[str] = frozenset({"members"})

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of its layer, in their order."""
        return (*self.roles_before, self.role)

"""The plan: which member stands on which host, and the proof that it survives what it must."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from greenfield.engines import ENGINES
from greenfield.engines.descriptor import Slot
from greenfield.model.cluster import Cluster
from greenfield.model.problem import Problem
from greenfield.model.site import Host, Site

HOST_LAYER = "host"
HOST_ROLES = ("baseline", "data_disk", "pki", "node_exporter")


@dataclass(frozen=True, slots=True)
class Member:
    """One process of an engine on a host. ``ordinal`` counts from 0 in the engine's stable slot order."""

    engine: str
    kind: str
    ordinal: int
    slot: Slot
    host: str


@dataclass(frozen=True, slots=True)
class HostPlan:
    """A host that the cluster uses. Usage is at the limits of its members; the rest is the operating system's."""

    host: Host
    pool: str
    members: tuple[Member, ...]
    memory_used_bytes: int
    memory_bytes: int
    disk_used_bytes: int
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One layer on the hosts of one node pool in one rack: the unit of change.

    ``layer`` is ``host`` or an engine's name; ``name`` is ``<layer>-<pool>-<rack>`` for the host layer
    and ``<engine>-<rack>`` for an engine. ``quarantined`` are those of ``hosts`` that must not be touched in this run,
    and hosts that the engine is to leave and must not be touched either.
    """

    name: str
    layer: str
    pool: str
    rack: str
    hosts: tuple[str, ...]
    roles: tuple[str, ...]
    quarantined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """What the loss of one failure domain does to one engine's groups."""

    domain: Literal["host", "rack", "feed", "tor"]
    name: str
    engine: str
    groups_lost: tuple[str, ...]
    members_lost: int
    accepted: bool


@dataclass(frozen=True, slots=True)
class RackPower:
    """Draw of the cluster's hosts in a rack, and what is left of the rack's feeds when the largest one is lost."""

    rack: str
    draw_watts: int
    available_watts: int


@dataclass(frozen=True)
class Plan:
    """Everything decided before a host is touched. Mappings are keyed by name, in spec order.

    Attributes:
        pools: node pool to its hosts.
        hosts: only hosts the cluster uses.
        members: in engine order, then slot order.
        losses: one entry for each failure domain that holds a member of the engine.
        quarantine: hosts of the cluster that keep their place but must not be touched in this run.
        warnings: what the plan can live with but its owner should know.
        leaving: engine to hosts that it has, or may have, and is to leave.
    """

    site: Site
    cluster: Cluster
    pools: Mapping[str, tuple[str, ...]]
    hosts: Mapping[str, HostPlan]
    members: tuple[Member, ...]
    cells: tuple[Cell, ...]
    losses: tuple[Loss, ...]
    power: tuple[RackPower, ...]
    quarantine: frozenset[str] = frozenset()
    warnings: tuple[Problem, ...] = ()
    leaving: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __hash__(self) -> int:
        # Mappings have no hash; equal plans agree in these, and what is derived from a plan can be kept by it.
        return hash((self.site.name, self.cluster.name, len(self.members)))

    @cached_property
    def by_engine(self) -> Mapping[str, tuple[Member, ...]]:
        """Members of each engine, in slot order."""
        found: dict[str, list[Member]] = {name: [] for name in self.cluster.engines}
        for member in self.members:
            found[member.engine].append(member)
        return {name: tuple(members) for name, members in found.items()}

    def head_of(self, engine: str) -> str:
        """The engine that an engine belongs to; itself where it belongs to none."""
        spec = self.cluster.engines[engine]
        option = ENGINES[spec.kind].belongs_to
        return str(spec.options[option]) if option else engine

    def family_of(self, engine: str) -> list[str]:
        """The engine that this one belongs to (or itself), and all that belong to the same, in spec order."""
        head = self.head_of(engine)
        return [other for other in self.cluster.engines if self.head_of(other) == head]

    def members_of(self, engine: str) -> tuple[Member, ...]:
        """Members of one engine, in slot order."""
        return self.by_engine[engine]

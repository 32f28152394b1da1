"""``greenfield:index:Engine``: an engine's members, a cell for each rack, and its formation."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pulumi

from greenfield import content
from greenfield.engines import ENGINES
from greenfield.model.packed import as_json
from greenfield.plan import engine_common
from greenfield.plan.desired import references
from greenfield.resources.cell_inputs import cell_inputs, known
from greenfield.resources.custom import Authority, Cell, Formation, Password
from greenfield.resources.health import gate_name, members_of, without_quarantined
from greenfield.resources.node_pool import NodePool
from greenfield.resources.site import AUTHORITY_SECONDS, Site


@dataclass(frozen=True, slots=True)
class EngineArgs:
    """An engine of a site's plan.

    Attributes:
        pool: the node pool that carries it; its cells wait for the host layer of all its racks.
        after: engines this one depends on; its cells wait for their formation.
        facts: what the plan can't know: files of the artifact lock.
    """

    site: Site
    engine: str
    pool: NodePool
    after: tuple[Engine, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


class Engine(pulumi.ComponentResource):
    """An engine.

    Outputs: ``endpoints`` (``address:port`` of every member, for clients), ``certificate`` (PEM of the authority that
    its members and clients prove themselves with) and ``passwords`` (secret).
    """

    certificate: pulumi.Output[str]
    endpoints: pulumi.Output[list[str]]
    passwords: pulumi.Output[dict[str, str]]

    def __init__(self, name: str, args: EngineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Engine", name, {}, opts)
        self._args, self._name = args, name
        self.engine = args.engine
        plan = args.site.args.plan
        self._spec = plan.cluster.engines[args.engine]
        self._kind = ENGINES[self._spec.kind]
        # A data engine can't be deleted by taking it out of the spec: its name has to be typed under `wipe` first.
        keep = self._kind.data_tier and args.engine not in self._spec.wipe
        self._child = pulumi.ResourceOptions(parent=self, protect=keep)
        self.authority = self._make_authority()
        self.passwords = self._make_passwords()
        self._common = engine_common(plan, args.engine, args.facts)
        self.cells = self._make_cells()
        self.formation = self._make_formation()
        self.endpoints = known(self.listening)
        self.certificate = self.authority.certificate
        outputs = {"endpoints": self.endpoints, "certificate": self.certificate, "passwords": self.passwords}
        self.register_outputs(outputs)

    def _make_authority(self) -> Authority:
        """An authority of its own, so that no other engine's member is a client here, or its head's.

        It can't be one that the site's has signed: OpenSSL takes only self-signed ones for the end of a chain.
        """
        plan, engine = self._args.site.args.plan, self._args.engine
        head = plan.head_of(engine)
        if head != engine:
            return next(other.authority for other in self._args.after if other.engine == head)
        return Authority(
            f"{self._name}-authority",
            common_name=f"{plan.site.name} {engine} authority",
            lifetime_seconds=AUTHORITY_SECONDS,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _others(self) -> dict[str, pulumi.Output[dict[str, str]]]:
        """Authorities of other engines that this one's members are clients of, by the option that names the engine."""
        named = {other.engine: other.authority for other in self._args.after if other.authority is not self.authority}
        return {option: named[name].pair for option, name in references(self._spec).items() if name in named}

    def _make_passwords(self) -> pulumi.Output[dict[str, str]]:
        child = pulumi.ResourceOptions(parent=self)
        made = {user: Password(f"{self._name}-{user}", opts=child) for user in self._kind.password_users}
        return pulumi.Output.secret(pulumi.Output.all(**{user: password.value for user, password in made.items()}))

    def _secrets(self) -> dict[str, Any]:
        return {f"{self._kind.role}_passwords": self.passwords} if self._kind.password_users else {}

    def _make_cells(self) -> dict[str, Cell]:
        args, plan = self._args, self._args.site.args.plan
        own = {
            "authority": self.authority.pair,
            "authorities": self._others(),
            "gates": [gate_name(plan, args.engine)],
            "secrets": self._secrets(),
            "wipe": args.engine in self._spec.wipe,
            "oneByOne": self._kind.one_by_one,
        }
        # All of the pool's hosts, not just the rack's: a member that comes later is let in by the others' firewalls.
        before = [*args.pool.cells.values(), *(engine.formation for engine in args.after)]
        made: dict[str, Cell] = {}
        for cell in plan.cells:
            if cell.layer != args.engine:
                continue
            inputs = {**cell_inputs(args.site, cell, args.facts, self._kind.role), **own}
            options = pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=before))
            made[cell.rack] = Cell(f"{plan.cluster.name}-{cell.name}", inputs, options)
        return made

    def _make_formation(self) -> Formation:
        args, plan = self._args, self._args.site.args.plan
        common = {**self._common, **without_quarantined(plan, args.engine)}
        inputs = {
            "site": plan.site.name,
            "engine": args.engine,
            "role": self._kind.role,
            "content": content.roles_digest((self._kind.role,)),
            "common": as_json(common),
            "secrets": self._secrets(),
            # What belongs to another engine is formed and judged from that engine's members.
            "members": members_of(plan, plan.head_of(args.engine)),
            "cells": {rack: cell.digests for rack, cell in self.cells.items()},
            "connection": args.site.connection,
        }
        return Formation(f"{self._name}-formation", inputs, pulumi.ResourceOptions(parent=self))

    @cached_property
    def listening(self) -> list[str]:
        """``address:port`` of every member, for clients."""
        plan = self._args.site.args.plan
        return [
            f"{plan.site.hosts[member.host].address}:{port.number}"
            for member in plan.members_of(self._args.engine)
            for port in member.slot.ports
            if port.audience in ("clients", "nodes-and-clients")
        ]

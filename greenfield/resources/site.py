"""``greenfield:index:Site``: what a site gives to everything on it: its authority and the check before any change."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

from greenfield.artifacts import Lock, mirror_dir
from greenfield.plan import Plan
from greenfield.resources.custom import Authority, Preflight
from greenfield.resources.health import gates

AUTHORITY_SECONDS = 10 * 365 * 86400
"""An authority outlives its hardware; members' certificates are short (spec: ``pki.lifetime``)."""


@dataclass(frozen=True, slots=True)
class SiteArgs:
    """What a site component needs.

    Attributes:
        plan: the plan of the cluster that is delivered.
        folder: the spec's folder, where ``mirror.lock.json`` lies.
        lock: what hosts may install; ``None`` only where there is none yet (preview of a fresh spec).
        engine_facts: what the plan can't know of engines, by engine.
    """

    plan: Plan
    folder: Path
    lock: Lock | None
    engine_facts: dict[str, dict[str, Any]] = field(default_factory=dict)


class Site(pulumi.ComponentResource):
    """A site. Outputs: ``certificate`` (PEM of its authority, which hosts prove themselves with)."""

    certificate: pulumi.Output[str]

    def __init__(self, name: str, args: SiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Site", name, {}, opts)
        site = args.plan.site
        child = pulumi.ResourceOptions(parent=self)
        self.args = args
        self.authority = Authority(
            f"{name}-authority",
            common_name=f"{site.name} site authority",
            lifetime_seconds=AUTHORITY_SECONDS,
            opts=child,
        )
        self.preflight = Preflight(
            f"{name}-preflight",
            {
                "site": site.name,
                "hosts": {host: plan.host.address for host, plan in args.plan.hosts.items()},
                "port": site.access.port,
                "knownHosts": site.access.known_hosts,
                "quarantined": sorted(args.plan.quarantine),
                "specFolder": str(args.folder),
                "mirror": str(mirror_dir(site.name)),
                "gates": gates(args.plan, args.engine_facts),
                "cluster": args.plan.cluster.name,
                "versions": {name: engine.version for name, engine in args.plan.cluster.engines.items()},
            },
            child,
        )
        self.certificate = self.authority.certificate
        self.register_outputs({"certificate": self.certificate})

    @property
    def connection(self) -> dict[str, Any]:
        """How the plugin reaches hosts."""
        access = self.args.plan.site.access
        return {
            "user": access.user,
            "port": access.port,
            "identityFile": access.identity_file,
            "knownHosts": access.known_hosts,
        }

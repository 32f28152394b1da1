"""``greenfield:index:Cluster``: a whole cluster, declared from its spec. The one component that programs need."""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pulumi

from greenfield.artifacts import Lock, check_images, load_lock
from greenfield.artifacts.facts import engine_facts
from greenfield.engines import ENGINES
from greenfield.errors import GreenfieldError
from greenfield.model.platform import Platform
from greenfield.plan import EMPTY, Plan, load_placement, make_plan, record_formed, save_placement
from greenfield.resources.cell_inputs import known
from greenfield.resources.engine import Engine, EngineArgs
from greenfield.resources.interrupt import end_quietly
from greenfield.resources.node_pool import NodePool, NodePoolArgs
from greenfield.resources.site import Site, SiteArgs
from greenfield.restoring import check as check_restores
from greenfield.restoring import wanted as wanted_restores
from greenfield.spec import load


@dataclass(frozen=True, slots=True)
class ClusterArgs:
    """What a cluster component needs; ``ClusterArgs.load`` makes it from spec files.

    Attributes:
        plan: what goes where.
        folder: the spec's folder; the placement record and the artifact lock lie there.
        lock: what hosts may install; ``None`` where ``greenfield mirror sync`` has not run yet.
        digest: digest of the spec, for the outputs.
        platforms: what the spec declares on the cluster's Kubernetes engines; ``greenfield.platform`` does that.
    """

    plan: Plan
    folder: Path
    lock: Lock | None
    digest: str = ""
    platforms: tuple[Platform, ...] = ()

    @classmethod
    def load(
        cls, spec: str | Path, *, cluster: str | None = None, quarantine: Sequence[str] | None = None
    ) -> ClusterArgs:
        """Load, validate and plan a spec (a file or a folder).

        Args:
            spec: path of the spec.
            cluster: name of the cluster, where the spec has several.
            quarantine: hosts that must not be touched in this run; by default those that the stack's config names,
                separated by commas, under ``greenfield:quarantine``.

        Raises:
            pulumi.RunError: the spec or its plan is wrong; the text holds every problem.
        """
        _look_seldom_for_garbage()
        try:
            loaded = load([Path(spec)])
            chosen, site = loaded.cluster(cluster)
            platforms = tuple(each for each in loaded.platforms.values() if each.cluster == chosen.name)
            check_restores([n for n, e in chosen.engines.items() if ENGINES[e.kind].restorable], chosen.engines)
            standing = (load_placement(loaded.folder, chosen.name) or EMPTY).anew(wanted_restores())
            plan = make_plan(site, chosen, standing, frozenset(_configured() if quarantine is None else quarantine))
            lock = load_lock(loaded.folder)
            if lock is not None:
                workloads = {name: work.objects for each in platforms for name, work in each.workloads.items()}
                check_images(lock, workloads)
            return cls(plan, loaded.folder.resolve(), lock, loaded.digest, platforms)
        except GreenfieldError as error:
            raise pulumi.RunError(str(error)) from None


class Cluster(pulumi.ComponentResource):
    """A cluster on its site.

    Outputs: ``hosts`` (host name to address), ``endpoints`` (engine to ``address:port`` of its members), ``passwords``
    (engine to user to password; secret), ``certificates`` (engine to PEM of its authority, by which clients know it),
    ``certificate`` (PEM of the site's authority, by which they know hosts).
    """

    hosts: pulumi.Output[dict[str, str]]
    endpoints: pulumi.Output[dict[str, list[str]]]
    passwords: pulumi.Output[dict[str, dict[str, str]]]
    certificates: pulumi.Output[dict[str, str]]
    certificate: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Cluster", name, {}, opts)
        end_quietly()
        _look_seldom_for_garbage()
        plan = args.plan
        if not pulumi.runtime.is_dry_run():
            save_placement(args.folder, plan)
        child = pulumi.ResourceOptions(parent=self)
        facts = {
            name: engine_facts(args.lock, spec, plan.site.mirror.url) for name, spec in plan.cluster.engines.items()
        }
        self.site = Site(f"{name}-{plan.site.name}", SiteArgs(plan, args.folder, args.lock, facts), child)
        self.pools = {pool: NodePool(f"{name}-{pool}", NodePoolArgs(self.site, pool), child) for pool in plan.pools}
        self.engines: dict[str, Engine] = {}
        for engine in _in_order(plan):
            spec = plan.cluster.engines[engine]
            after = tuple(self.engines[other] for other in spec.depends_on)
            engine_args = EngineArgs(self.site, engine, self.pools[spec.pool], after, facts[engine])
            self.engines[engine] = Engine(f"{name}-{engine}", engine_args, child)
            _keep_version(args, self.engines[engine])
        self.hosts = known({host: item.host.address for host, item in plan.hosts.items()})
        self.endpoints = known({key: engine.listening for key, engine in self.engines.items()})
        self.passwords = pulumi.Output.secret(
            pulumi.Output.all(**{key: engine.passwords for key, engine in self.engines.items()})
        )
        self.certificate = self.site.certificate
        self.certificates = pulumi.Output.all(**{key: engine.certificate for key, engine in self.engines.items()})
        outputs = {"hosts": self.hosts, "endpoints": self.endpoints, "certificates": self.certificates}
        self.register_outputs({**outputs, "certificate": self.certificate})


def _keep_version(args: ClusterArgs, engine: Engine) -> None:
    """Have the record say which version the engine is of, once it is formed with all its members."""
    spec = args.plan.cluster.engines[engine.engine]
    left_out = any(member.host in args.plan.quarantine for member in args.plan.members_of(engine.engine))

    def keep(common: str) -> None:
        # Under `--target` the state before answers for what the run leaves out.
        if json.loads(common).get(f"{ENGINES[spec.kind].role}_version") == spec.version:
            record_formed(args.folder, args.plan.cluster.name, spec.name, spec.version)

    if not left_out and not pulumi.runtime.is_dry_run():
        engine.formation.common.apply(keep)


def _look_seldom_for_garbage() -> None:
    """A spec, its plan and Pulumi make hundreds of thousands of small objects that all live to the program's end.

    Looking for garbage among them takes seconds on a large site.
    """
    gc.set_threshold(200_000, 50, 100)


def _configured() -> list[str]:
    """Hosts in quarantine by the stack's config."""
    return [host for host in (pulumi.Config("greenfield").get("quarantine") or "").split(",") if host]


def _in_order(plan: Plan) -> list[str]:
    """Engines after those they depend on; the spec's check has ruled out cycles."""
    return list(
        TopologicalSorter({name: spec.depends_on for name, spec in plan.cluster.engines.items()}).static_order()
    )

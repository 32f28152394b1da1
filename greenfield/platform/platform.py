"""``greenfield:index:Platform``: a platform on a Kubernetes engine, declared from its spec."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from greenfield.model.platform import Platform as PlatformSpec
from greenfield.plan import Plan
from greenfield.platform.access import administrator
from greenfield.platform.classes import classes
from greenfield.platform.nodes import Node, nodes_of, patches, taints
from greenfield.platform.sdk import declare
from greenfield.platform.tenant import Tenant, TenantArgs
from greenfield.platform.workload import Workload, WorkloadArgs
from greenfield.resources import Cluster
from greenfield.resources.custom import Names, Taints


@dataclass(frozen=True, slots=True)
class PlatformArgs:
    """What a platform component needs.

    Attributes:
        platform: what the spec says.
        nodes: the engine's nodes; ``PlatformArgs.of`` takes them from the plan.
        kubeconfig: an administrator's; kept as a secret.
        identity: names the cluster whatever its kubeconfig says, so that renewed credentials or another endpoint never
            make everything anew.
    """

    platform: PlatformSpec
    nodes: list[Node]
    kubeconfig: pulumi.Input[str]
    identity: str

    @classmethod
    def of(cls, platform: PlatformSpec, plan: Plan, kubeconfig: pulumi.Input[str]) -> PlatformArgs:
        """Of a platform on an engine of a plan."""
        identity = f"{plan.site.name}/{plan.cluster.name}/{platform.engine}"
        return cls(platform, nodes_of(plan, platform.engine), kubeconfig, identity)

    @classmethod
    def on(cls, platform: PlatformSpec, plan: Plan, cluster: Cluster) -> PlatformArgs:
        """Of a platform on a delivered cluster, once its Kubernetes engine and all its workers stand."""
        return cls.of(platform, plan, administrator(platform.name, plan, cluster, platform.engine))


class Platform(pulumi.ComponentResource):
    """A platform.

    Outputs: ``nodes`` (host names), ``namespaces`` (tenant to namespace), ``kubeconfig`` (the administrator's; secret).

    What it declares it owns: where others have changed a field of it, the next run sets it back.
    """

    nodes: pulumi.Output[list[str]]
    namespaces: pulumi.Output[dict[str, str]]
    kubeconfig: pulumi.Output[str]

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Platform", name, {}, opts)
        import pulumi_kubernetes

        self.kubeconfig = pulumi.Output.secret(args.kubeconfig)
        self.provider = pulumi_kubernetes.Provider(
            f"{name}-kubernetes",
            kubeconfig=self.kubeconfig,
            cluster_identifier=args.identity,
            # What has a name keeps it and is changed in place: pods name it.
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # A component hands its provider on to what it holds.
        child = pulumi.ResourceOptions(parent=self, providers={"kubernetes": self.provider})
        own = pulumi.ResourceOptions(parent=self, provider=self.provider)
        bare = pulumi.ResourceOptions(parent=self)
        on_nodes, everywhere = patches(args.platform, args.nodes), classes(args.platform, args.nodes)
        labelled = [declare(f"{name}-node-{host}", patch, own, patch=True) for host, patch in on_nodes]
        classed = [declare(f"{name}-{key}", each, own) for key, each in everywhere]
        kept_off, tenants = taints(args.platform, args.nodes), args.platform.tenants
        of_nodes = {"kubeconfig": self.kubeconfig, "nodes": kept_off}
        tainted = [Taints(f"{name}-taints", of_nodes, bare)] if kept_off else []
        taken = {"kubeconfig": self.kubeconfig, "namespaces": [each.name for each in tenants.values()]}
        free = [Names(f"{name}-names", taken, bare)] if tenants else []
        self.tenants = {
            key: Tenant(f"{name}-{key}", TenantArgs(each, _access_to(args.platform, key), tuple(free)), child)
            for key, each in tenants.items()
        }
        # Pods may name classes, and be kept off nodes by taints: both come before them.
        after = (*labelled, *tainted, *classed)
        self.workloads = {
            key: Workload(f"{name}-{key}", WorkloadArgs(each, self.tenants[each.tenant], after), child)
            for key, each in args.platform.workloads.items()
        }
        hosts = [node.host for node in args.nodes]
        self.nodes = pulumi.Output.all(*(each.id for each in labelled)).apply(lambda _: hosts)
        names = list(self.tenants)
        made = pulumi.Output.all(*(each.namespace for each in self.tenants.values()))
        self.namespaces = made.apply(lambda found: dict(zip(names, found, strict=True)))
        outputs = {"nodes": self.nodes, "namespaces": self.namespaces, "kubeconfig": self.kubeconfig}
        self.register_outputs(outputs)


def _access_to(platform: PlatformSpec, tenant: str) -> tuple[str, ...]:
    """Tenants that let a tenant in."""
    return tuple(name for name, each in platform.tenants.items() if tenant in each.access_from)

"""The Pulumi program: read the stack's config, load, validate, plan, declare."""

from pathlib import Path

import pulumi

from greenfield.resources import Cluster, ClusterArgs, begin
from greenfield.resources.debug import drop_debug_messages

drop_debug_messages()
config = pulumi.Config("greenfield")
spec = Path(config.require("spec"))
if not spec.is_absolute():
    spec = Path(__file__).resolve().parent.parent / spec
quarantine = [host for host in (config.get("quarantine") or "").split(",") if host]
args = ClusterArgs.load(spec, cluster=config.get("cluster"), quarantine=quarantine)

cluster = Cluster(args.plan.cluster.name, args)
pulumi.export("spec", args.digest)
pulumi.export("hosts", cluster.hosts)
pulumi.export("endpoints", cluster.endpoints)
pulumi.export("passwords", cluster.passwords)
pulumi.export("certificates", cluster.certificates)
pulumi.export("certificate", cluster.certificate)
if args.platforms:
    # Here, because the kinds of objects that it knows take as long to import as all the rest.
    from greenfield.platform import Platform, PlatformArgs

    platforms = {each.name: Platform(each.name, PlatformArgs.on(each, args.plan, cluster)) for each in args.platforms}
    pulumi.export("namespaces", {name: platform.namespaces for name, platform in platforms.items()})
    pulumi.export("kubeconfigs", {name: platform.kubeconfig for name, platform in platforms.items()})

pulumi.run(begin)

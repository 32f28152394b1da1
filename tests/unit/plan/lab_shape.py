"""A small site and cluster in the shape of examples/lab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

from greenfield.model.cluster import Cluster, DataProtection, EngineSpec, NodePool, Spread
from greenfield.model.site import Access, Disk, HardwareClass, Host, Mirror, Network, Power, Rack, Site

GIB = 2**30
MIB = 2**20

ETCD = {"members": 3, "quota_bytes": 512 * MIB, "heartbeat_seconds": 0.1, "election_seconds": 1.0}
REDIS = {
    "shards": 3,
    "replicas": 1,
    "memory_bytes": 256 * MIB,
    "memory_policy": "noeviction",
    "node_timeout_seconds": 2.0,
    "append_fsync": "everysec",
}
PROTECTION = DataProtection("platform", "internal", 3600, 1800, 14 * 86400)


def build_site(racks: int = 3, hosts_per_rack: int = 3, **changes: Any) -> Site:
    """``racks`` racks r1.. with ``hosts_per_rack`` hosts r1-h1.. of class small."""
    site = Site(
        name="lab",
        domain="lab.internal",
        networks={"hosts": Network("hosts", IPv4Network("10.77.0.0/16"), 24, 1500)},
        power=Power(("A", "B"), "N+1"),
        racks={f"r{r}": Rack(f"r{r}", "A", 42, {"A": 4000, "B": 4000}, (f"r{r}-sw1",)) for r in range(1, racks + 1)},
        hardware={
            "small": HardwareClass(
                "small", 2, 2 * GIB, {"data": Disk("data", 4 * GIB, "ssd", "gf-{serial}-data")}, 10**10, 180, 1, 1000.0
            )
        },
        hosts={
            f"r{r}-h{h}": Host(
                f"r{r}-h{h}", f"r{r}", h, "small", f"GF{r}{h:02}", f"10.77.{r}.{10 + h}", f"02:77:00:00:{r:02x}:{h:02x}"
            )
            for r in range(1, racks + 1)
            for h in range(1, hosts_per_rack + 1)
        },
        access=Access("ops", "/etc/ssh/ssh_known_hosts"),
        mirror=Mirror("http://10.77.0.2:8080"),
        time_servers=("10.77.0.2",),
        admin_networks=(IPv4Network("10.77.0.0/24"),),
    )
    return replace(site, **changes)


def pool(name: str, count: int, at_most: int | None = None, labels: Mapping[str, str] | None = None) -> NodePool:
    """A pool of class small."""
    return NodePool(name, "small", count, labels or {}, Spread("rack", at_most) if at_most else None)


def etcd(name: str, pool_name: str, **options: Any) -> EngineSpec:
    """An etcd engine; keywords override options."""
    return EngineSpec(name, "etcd", "3.6", pool_name, {**ETCD, **options}, PROTECTION)


def redis(name: str, pool_name: str, **options: Any) -> EngineSpec:
    """A Redis engine; keywords override options."""
    return EngineSpec(name, "redis", "7.0", pool_name, {**REDIS, **options}, PROTECTION)


def build_cluster(pools: list[NodePool], engines: list[EngineSpec]) -> Cluster:
    """A cluster named orders."""
    return Cluster(
        "orders", "lab", "idc-2026", {each.name: each for each in pools}, {each.name: each for each in engines}
    )


def lab_cluster() -> Cluster:
    """The example cluster: etcd on 3 control hosts, Redis on 6 data hosts."""
    return build_cluster(
        [pool("control", 3, 1), pool("data", 6, 2)], [etcd("config-store", "control"), redis("sessions", "data")]
    )

"""A control plane that keeps its objects in an etcd engine of the cluster, in place of one of its own."""

from __future__ import annotations

import pytest
import yaml
from delivery import Delivery
from seat import bare_hosts

SEAT = {
    "engines": {"kubernetes": "1.35", "kubernetes-workers": "1.35", "etcd": "3.6"},
    "alone": True,
    "inotify": 85,
    "memory_gib": 6,
    "tools": [
        "kubernetes-1.35",
        "coredns-1.13",
        "etcd-3.6.6",
        "flannel",
        "kube-router",
        "metrics-server",
        "pause",
        "registry",
    ],
    "reads": ["examples/kubernetes"],
    "setup_seconds": 250,
}


def prepare(delivery: Delivery) -> None:
    """Three hosts that each carry a member of both, and one worker."""
    cluster = yaml.safe_load(delivery.cluster_file.read_text())
    engines, pools = cluster["spec"]["engines"], cluster["spec"]["nodePools"]
    protection = engines["platform"]["dataProtection"]
    store = {"kind": "etcd", "version": "3.6", "pool": "control", "members": 3, "quota": "512MiB"}
    engines["store"] = {**store, "dataProtection": protection}
    engines["platform"] = {**engines["platform"], "etcd": "store"}
    engines["platform"].pop("quota")
    engines["nodes"]["nodes"] = pools["workers"]["count"] = 1
    delivery.cluster_file.write_text(yaml.safe_dump(cluster, sort_keys=False))
    for other in ("names.yaml", "platform.yaml"):
        (delivery.spec / other).unlink(missing_ok=True)
    hosts = delivery.spec / "hosts.csv"
    hosts.write_text("".join(line for line in hosts.open() if not line.startswith(("r2-h2", "r3-h2"))))


@pytest.fixture(scope="session")
def delivery() -> Delivery:
    """Bare hosts, and a spec that nothing was delivered from yet."""
    return bare_hosts("kubernetes", site="kube-etcd", network=87, prepare=prepare)

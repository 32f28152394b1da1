"""The example of Kubernetes: three members of a control plane and three workers in three racks, and a tenant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from delivery import Delivery
from probed_service import Prober, probed
from seat import bare_hosts

SEAT = {
    "engines": {"kubernetes": "1.35", "kubernetes-workers": "1.35"},
    "alone": True,
    "inotify": 108,
    "memory_gib": 8,
    "tools": [
        "kubernetes-1.35",
        "coredns-1.13",
        "etcd-3.6.6",
        "flannel",
        "kube-router",
        "metrics-server",
        "pause",
        "registry",
        "helm",
        "pulumi-kubernetes",
    ],
    "reads": ["examples/kubernetes"],
    "setup_seconds": 300,
}


@pytest.fixture(scope="session")
def delivery() -> Delivery:
    """Bare hosts, and a spec that nothing was delivered from yet."""
    return bare_hosts("kubernetes", site="kube-e2e", network=86)


@pytest.fixture(scope="module")
def prober(delivered: Delivery) -> Iterator[Prober]:
    """A service that is asked all through an event; one of its two pods may go at a time."""
    with probed(delivered, pods_needed=1) as made:
        yield made

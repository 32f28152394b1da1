"""The example of Kubernetes one version back, with the images that it had, ready to be upgraded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from delivery import Delivery
from kubernetes_life import COREDNS, NEW, OLD, set_image, set_version
from probed_service import Prober, probed
from seat import bare_hosts

SEAT = {
    "engines": {"kubernetes": "1.34 -> 1.35", "kubernetes-workers": "1.34 -> 1.35"},
    "alone": True,
    "inotify": 108,
    "memory_gib": 8,
    "tools": [
        "kubernetes-1.34",
        "kubernetes-1.35",
        "coredns-1.12",
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


def prepare(delivery: Delivery) -> None:
    """The older version, with the image that it has, and a short patience with pods that can't move."""
    set_version(delivery, NEW, OLD)
    delivery.edit("podMemory: 1GiB", "podMemory: 1GiB\n      drainDeadline: 20s")
    set_image(delivery, COREDNS[NEW], COREDNS[OLD])


@pytest.fixture(scope="session")
def delivery() -> Delivery:
    """Bare hosts, and a spec that nothing was delivered from yet."""
    return bare_hosts("kubernetes", site="kube-up", network=88, prepare=prepare)


@pytest.fixture(scope="module")
def prober(delivered: Delivery) -> Iterator[Prober]:
    """A service that is asked all through an event; neither of its two pods may go, until that is eased."""
    with probed(delivered, pods_needed=2) as made:
        yield made

"""A control plane that keeps its objects in an etcd engine of the cluster, in place of one of its own."""

from __future__ import annotations

import json

import pytest
import yaml
from delivery import Delivery
from kubernetes_life import kubectl, unchanged

SEAT = {"example": "kubernetes", "site": "kube-etcd", "network": 87}


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
    delivery.load_site("kube-etcd")


@pytest.mark.timeout(1200)
def test_delivered_on_an_etcd_engine(delivery: Delivery) -> None:
    result = delivery.up(preview=True)
    assert result.returncode == 0, result.stdout[-6000:]
    pods = json.loads(kubectl(delivery, "-n kube-system get pods -o json"))["items"]
    running = {pod["metadata"]["name"].rsplit("-r", 1)[0] for pod in pods}
    assert "kube-apiserver" in running
    assert "etcd" not in running


def test_its_objects_are_in_the_engine(delivery: Delivery) -> None:
    kubectl(delivery, "create configmap told --from-literal=word=kept")
    keys = delivery.lab.run("r2-h1", "etcdctl-store get --prefix /registry/configmaps/default --keys-only")
    assert "/registry/configmaps/default/told" in keys.stdout, keys.stdout + keys.stderr


def test_second_run_changes_nothing(delivery: Delivery) -> None:
    result = delivery.up()
    assert result.returncode == 0, result.stdout[-4000:]
    assert unchanged(result.stdout), result.stdout[-4000:]


@pytest.mark.timeout(900)
def test_accepted(delivery: Delivery) -> None:
    result = delivery.verify()
    assert result.returncode == 0, result.stdout[-8000:]

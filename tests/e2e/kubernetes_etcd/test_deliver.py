"""From bare hosts to a control plane on an etcd engine."""

from __future__ import annotations

import json

import pytest
from delivery import Delivery, Figure
from kubernetes_life import kubectl, unchanged

PROVES = ("kubernetes/deliver-on-etcd", "etcd/deliver-under-kubernetes")
ORDER = 20


@pytest.mark.timeout(1200)
def test_delivered_on_an_etcd_engine(delivery: Delivery, record_property: Figure) -> None:
    result = delivery.up(preview=True)
    record_property("deliver_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    pods = json.loads(kubectl(delivery, "-n kube-system get pods -o json"))["items"]
    running = {pod["metadata"]["name"].rsplit("-r", 1)[0] for pod in pods}
    assert "kube-apiserver" in running
    assert "etcd" not in running


def test_its_objects_are_in_the_engine(delivered: Delivery) -> None:
    kubectl(delivered, "create configmap told --from-literal=word=kept")
    keys = delivered.run("r2-h1", "etcdctl-store get --prefix /registry/configmaps/default --keys-only")
    assert "/registry/configmaps/default/told" in keys.stdout, keys.stdout + keys.stderr
    kubectl(delivered, "delete configmap told")


def test_second_run_changes_nothing(delivered: Delivery, record_property: Figure) -> None:
    result = delivered.up()
    record_property("second_run_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-4000:]
    assert unchanged(result.stdout), result.stdout[-4000:]

"""A workload's own image, carried in."""

from __future__ import annotations

import json
from pathlib import Path

from delivery import Delivery, Figure
from kubernetes_life import COREDNS, NEW, RECORD, addresses_of, carry_in, kubectl
from probed_service import PLANNED_GAP_SECONDS, Prober, assert_noticed

PROVES = ("kubernetes-workers/image",)
ORDER = 30


OWN_IMAGE = "registry.shop.internal/shop/zone:2.0"


def test_a_workload_runs_an_image_of_its_own(
    delivered: Delivery, prober: Prober, tmp_path: Path, record_property: Figure
) -> None:
    """One that no engine brings: refused where it is named, carried in, locked as the rest stays, and pulled."""
    platform = delivered.spec / "platform.yaml"
    platform.write_text(platform.read_text().replace(f"registry.k8s.io/coredns/coredns:{COREDNS[NEW]}", OWN_IMAGE))
    refused = delivered.greenfield("validate", str(delivered.spec))
    assert refused.returncode == 1
    assert f"greenfield mirror add image/{OWN_IMAGE} ARCHIVE" in refused.stdout
    carry_in(delivered, OWN_IMAGE, tmp_path)
    locked = delivered.greenfield("mirror", "lock", str(delivered.spec))
    assert locked.returncode == 0, locked.stdout
    changes = [line.strip().rsplit(" ", 1)[0] for line in locked.stdout.splitlines() if line.startswith("  ")]
    assert changes == [f"+ {OWN_IMAGE} 2.0"], locked.stdout
    delivered.sync()
    result = delivered.up()
    record_property("change_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    pods = json.loads(kubectl(delivered, "-n shop get pods -l app=zone -o json"))["items"]
    assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {OWN_IMAGE}
    assert addresses_of(delivered, "zone", RECORD) == ["10.90.4.20"] * 2


def test_another_service_hardly_noticed(prober: Prober, record_property: Figure) -> None:
    assert_noticed(prober, PLANNED_GAP_SECONDS, asked=50, figure=record_property)

"""A disk that is full."""

from __future__ import annotations

from delivery import Delivery, said_all
from patience import wait_until

PROVES = ("host/full-disk",)
ORDER = 64

ETCDCTL = "/usr/local/bin/etcdctl-config-store"


def test_full_data_disk_is_found(delivered: Delivery) -> None:
    """A full data disk fails acceptance on that host; emptied, its member serves again by itself."""
    fault = delivered.lab.fill("r1-h1", "data")
    result = delivered.verify("--only", "r1-h1")
    assert result.returncode == 1, result.stdout[-3000:]
    said_all(result, "FAILED IN PART", "r1-h1")
    delivered.lab.clear([fault.id])
    wait_until(lambda: delivered.run("r1-h1", f"{ETCDCTL} endpoint health").returncode == 0, 60)

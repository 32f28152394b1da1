"""A member that lost its data."""

from __future__ import annotations

import re

from delivery import Delivery, Figure, said_all

PROVES = ("etcd/lose",)
ORDER = 60
FIXED = True

ETCDCTL = "/usr/local/bin/etcdctl-config-store"


def test_lost_etcd_data_is_replaced_after_refresh(delivered: Delivery, record_property: Figure) -> None:
    """A member whose data directory is lost is found as drift and replaced; never a second cluster."""
    assert delivered.run("r1-h1", f"{ETCDCTL} put kept yes").returncode == 0
    before = delivered.run("r1-h1", f"{ETCDCTL} endpoint status -w json").stdout
    identity = re.search(r'"cluster_id":(\d+)', before)
    assert identity, before
    delivered.run("r2-h1", "systemctl stop greenfield-etcd-config-store && rm -rf /data/config-store/member")
    result = delivered.up("--refresh")
    record_property("replace_member_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    said_all(result, "drift on r2-h1")
    after = delivered.run("r2-h1", f"{ETCDCTL} endpoint status -w json").stdout
    assert f'"cluster_id":{identity[1]}' in after
    assert "yes" in delivered.run("r2-h1", f"{ETCDCTL} get kept").stdout
    assert len(delivered.run("r2-h1", f"{ETCDCTL} member list").stdout.splitlines()) == 3

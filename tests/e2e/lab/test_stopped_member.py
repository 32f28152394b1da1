"""A change that comes while a member is down."""

from __future__ import annotations

from delivery import Delivery, said_all

PROVES = ("etcd/hold",)
ORDER = 50
FIXED = True

ETCDCTL = "/usr/local/bin/etcdctl-config-store"
BEGAN = "systemctl show -p ActiveEnterTimestamp greenfield-etcd-config-store"


def test_second_member_down_stops_a_rolling_change(delivered: Delivery) -> None:
    """With one etcd member down, no other is touched: the change is refused and the quorum stays."""
    delivered.run("r3-h1", "systemctl stop greenfield-etcd-config-store")
    started = delivered.run("r1-h1", BEGAN).stdout
    delivered.edit("quota: 512MiB", "quota: 520MiB")
    result = delivered.up()
    assert result.returncode == 1
    said_all(result, "config-store is not healthy", "member-3")
    assert delivered.run("r1-h1", BEGAN).stdout == started
    assert delivered.run("r1-h1", f"{ETCDCTL} put still writable").returncode == 0
    delivered.run("r3-h1", "systemctl start greenfield-etcd-config-store")
    delivered.restore_spec()
    mended = delivered.up()
    assert mended.returncode == 0, mended.stdout[-6000:]

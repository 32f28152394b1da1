"""After all of this the cluster is as good as new."""

from __future__ import annotations

from acceptance import accepted
from delivery import Delivery, Figure

PROVES = ("etcd/accept", "redis/accept", "host/accept")
ORDER = 90


def test_accepted_after_everything(delivered: Delivery, record_property: Figure) -> None:
    """After all of this the cluster is as good as new: nothing to change but what the tests left, and accepted."""
    mended = delivered.up("--refresh")
    assert mended.returncode == 0, mended.stdout[-6000:]
    for host in ("r1-h2", "r1-h3", "r2-h2", "r2-h3", "r3-h2", "r3-h3"):
        # A backup that failed while things were broken stands as failed until it was taken again, as an operator would.
        taken = delivered.run(host, "systemctl start greenfield-redis-sessions-backup.service")
        assert taken.returncode == 0, taken.stderr
    for host in ("r1-h1", "r2-h1", "r3-h1"):
        # So do snapshots: the longest loss of a member in these tests is longer than a snapshot waits for it.
        taken = delivered.run(host, "systemctl start greenfield-etcd-config-store-snapshot.service")
        assert taken.returncode == 0, taken.stderr
    accepted(delivered, record_property)

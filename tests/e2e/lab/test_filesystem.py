"""A replaced host with somebody's data on its disk."""

from __future__ import annotations

from delivery import Delivery, Figure, said_all
from sparse import written

PROVES = ("host/filesystem", "host/lose", "redis/lose")
ORDER = 66


def test_foreign_filesystem_is_refused_untouched(delivered: Delivery, record_property: Figure) -> None:
    """A replaced host whose disk carries somebody's ext4 is refused by name, and not a byte of the disk changes."""
    lab = delivered.lab
    lab.reset_host("r1-h3", keep_key=True)
    disk = "/dev/disk/by-id/greenfield-GF103-data"
    made = delivered.run("r1-h3", f"mke2fs -q -t ext4 -L payroll $(readlink -f {disk})")
    assert made.returncode == 0, made.stderr
    (image,) = (each.image for each in lab.hosts["r1-h3"].disks)
    delivered.run("r1-h3", "sync")
    digest = written(image)
    result = delivered.up("--refresh")
    assert result.returncode == 1
    said_all(result, r"r1-h3", "ext4")
    delivered.run("r1-h3", "sync")
    assert written(image) == digest
    lab.reset_host("r1-h3", keep_key=True)
    mended = delivered.up("--refresh")
    record_property("replace_host_seconds", round(mended.seconds, 1))
    assert mended.returncode == 0, mended.stdout[-6000:]

"""The role `data_disk`: what it mounts, and what it leaves alone."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os

import pytest
from scenario import succeeded

PROVES = ("host/data-disk",)
ORDER = 20

HOST = "r3-h2"
BLOCK = 65536
ZEROS = bytes(BLOCK)
WRITE_PARTITION_TABLE = (
    "python3 -c \"import struct; disk = open('{device}', 'r+b'); disk.seek(446); "
    "disk.write(bytes(4) + b'\\x83' + bytes(3) + struct.pack('<II', 2048, 4096)); "
    "disk.seek(510); disk.write(b'\\x55\\xaa')\""
)
FOREIGN = {
    "ext4": ("mkfs.ext4 -q -L precious {device}", "ext4 signature", "precious"),
    "another's XFS": ("mkfs.xfs -q -f -L precious {device}", "xfs signature", "precious"),
    "partition table": (WRITE_PARTITION_TABLE, "partition table", "dos"),
    "swap": ("mkswap -q -L precious {device}", "swap signature", "precious"),
}


@pytest.fixture(scope="module")
def converged(scenario):
    return scenario("data_disk")


@pytest.fixture
def host(converged, connect):
    return connect(HOST)


@pytest.fixture
def layer(converged):
    target = next(target for target in converged.layer.targets if target.name == HOST)
    return dataclasses.replace(converged.layer, targets=(target,))


@pytest.fixture
def empty_disk(host, layer, scenario):
    """The host's disk, emptied and not mounted; afterwards it is emptied again and belongs to the host as before."""
    device = host.check_output("readlink -f /dev/disk/by-id/%s", disk_of(layer)["by_id"])
    erase = f"umount /data 2>/dev/null; sed -i '/ .data /d' /etc/fstab; wipefs -aq {device}"
    host.check_output(erase)
    yield device
    host.check_output(erase)
    succeeded(scenario.run("data_disk", layer))


def disk_of(layer):
    return layer.targets[0].variables["data_disk_disks"][0]


def with_disk(layer, **changes):
    """The layer with another description of the disk."""
    target = layer.targets[0]
    variables = {**target.variables, "data_disk_disks": [{**disk_of(layer), **changes}]}
    return dataclasses.replace(layer, targets=(dataclasses.replace(target, variables=variables),))


@pytest.fixture
def content(lab, host):
    """``content()`` is a digest of every byte of the host's disk, quick because the image is sparse."""

    def digest():
        host.check_output("sync && blockdev --flushbufs /dev/disk/by-id/*-data")
        seen = hashlib.sha256()
        with lab.host(HOST).disks[0].image.open("rb") as file:
            for start in blocks(file):
                file.seek(start)
                # Zeros written out and holes read the same, and the file system below may turn one into the other.
                if (block := file.read(BLOCK)) != ZEROS:
                    seen.update(f"{start}:".encode() + block)
        return seen.hexdigest()

    return digest


def blocks(file):
    """Where the blocks of a sparse file begin that may hold data."""
    end, start = file.seek(0, os.SEEK_END), 0
    while start < end:
        try:
            start = file.seek(start, os.SEEK_DATA) // BLOCK * BLOCK
        except OSError as error:
            if error.errno == errno.ENXIO:  # Nothing but a hole is left.
                return
            raise
        yield start
        start += BLOCK


@pytest.fixture
def refusal(scenario, layer):
    """``refusal()`` is what the role says when it refuses the disk as it is."""
    return lambda: refused(scenario, layer)


def refused(scenario, layer):
    """What the role says when it refuses."""
    result = scenario.run("data_disk", layer).hosts[HOST]
    assert result.status == "failed"
    return result.message


def test_few_executions(converged):
    assert converged.first.executions <= 3 * len(converged.layer.targets)


def test_disks_are_mounted_by_uuid(converged, connect):
    for target in converged.layer.targets:
        host = connect(target.name)
        mount = host.mount_point("/data")
        assert mount.filesystem == "xfs"
        assert "noatime" in mount.options
        uuid = host.check_output("blkid -p -s UUID -o value %s", mount.device)
        assert host.check_output("blkid -p -s LABEL -o value %s", mount.device) == "gf-data"
        assert host.file("/etc/fstab").contains(f"^UUID={uuid} /data xfs ")


def test_data_comes_back_after_a_restart(converged, lab, host):
    host.check_output("echo kept > /data/kept && sync")
    lab.stop_host(HOST)
    lab.start_host(HOST)
    assert host.mount_point("/data").filesystem == "xfs"
    assert host.check_output("cat /data/kept && rm /data/kept") == "kept"


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_greenfield_did_not_make_is_refused_and_untouched(kind, host, content, empty_disk, refusal):
    make, found, label = FOREIGN[kind]
    host.check_output(make.format(device=empty_disk).replace("%", "%%"))
    before = content()
    message = refusal()
    assert found in message
    assert label in message
    assert "greenfield-RT302-data" in message
    assert "wipefs" in message
    assert content() == before
    assert not host.mount_point("/data").exists
    assert not host.file("/etc/fstab").contains("/data")


def test_check_mode_leaves_an_empty_disk_empty(content, layer, scenario, empty_disk):
    before = content()
    assert succeeded(scenario.run("data_disk", layer, check=True)).hosts[HOST].status == "changed"
    assert content() == before


def test_a_smaller_disk_than_ordered_is_refused(layer, scenario):
    size = disk_of(layer)["size_bytes"]
    assert "the spec promises" in refused(scenario, with_disk(layer, size_bytes=int(size * 1.03)))
    assert not scenario.run("data_disk", with_disk(layer, size_bytes=int(size * 1.01)), check=True).failed


def test_a_disk_that_is_not_there_is_refused_with_what_is(layer, scenario):
    message = refused(scenario, with_disk(layer, by_id="greenfield-absent-data"))
    assert "greenfield-absent-data" in message
    assert disk_of(layer)["by_id"] in message


def test_files_below_the_mount_point_are_not_hidden(host, layer, scenario, empty_disk):
    host.check_output("touch /data/written-while-unmounted")
    try:
        assert "written-while-unmounted" in refused(scenario, layer)
    finally:
        host.check_output("rm /data/written-while-unmounted")

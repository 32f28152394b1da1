"""The mirror on the real thing: apt, gpg, nginx, and a bare Debian system that installs from nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from mirrored import Site, flip

from greenfield.artifacts import load_lock
from greenfield.lab.tree import ensure_tree

PROVES = ("mirror/content",)
ORDER = 10

INSTALL = """set -eu
mount -t overlay greenfield-mirror-test -o lowerdir=$TREE,upperdir=$WORK/upper,workdir=$WORK/work $WORK/root
mount -t proc greenfield-mirror-test-proc $WORK/root/proc
cd $WORK/root
rm -rf etc/apt/sources.list etc/apt/sources.list.d/*
printf '#!/bin/sh\\nexit 101\\n' > usr/sbin/policy-rc.d; chmod 755 usr/sbin/policy-rc.d
mkdir -p etc/apt/keyrings; cp $WORK/key.asc etc/apt/keyrings/greenfield.asc
echo "deb [signed-by=/etc/apt/keyrings/greenfield.asc] $URL/apt bookworm main" > etc/apt/sources.list
export DEBIAN_FRONTEND=noninteractive
chroot . apt-get update -o APT::Update::Error-Mode=any
chroot . apt-get install -y --no-install-recommends $PACKAGES
chroot . apt-get upgrade -y --no-install-recommends
chroot . dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n'
"""

PACKAGES = "chrony nftables redis-server redis-tools prometheus-node-exporter xfsprogs sudo ca-certificates acl"


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: bytes = answer.read()
        return found


def test_a_bare_host_installs_everything_from_the_mirror_alone(site: Site, url: str, tmp_path: Path) -> None:
    lock = load_lock(site.spec)
    assert lock is not None
    for name in ("upper", "work", "root"):
        (tmp_path / name).mkdir()
    (tmp_path / "key.asc").write_text(lock.apt_key)
    tree = ensure_tree(print)
    environment = {**os.environ, "TREE": str(tree), "WORK": str(tmp_path), "URL": url, "PACKAGES": PACKAGES}
    # A mount namespace of its own: whatever happens, its mounts go with it.
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-c", INSTALL],
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    installed = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.endswith("ii ")}
    for name in PACKAGES.split():
        assert installed[name][0] == lock.packages[name].version


def test_a_second_sync_changes_nothing_and_is_fast(site: Site) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.folder.rglob("*")}
    started = time.monotonic()
    done = site.greenfield("mirror", "sync", str(site.spec))
    assert "nothing to do" in done.stdout
    assert time.monotonic() - started < 3
    assert {path: path.stat().st_mtime_ns for path in site.folder.rglob("*")} == before


def test_files_are_served_with_the_locks_digest(site: Site, url: str) -> None:
    lock = load_lock(site.spec)
    assert lock is not None
    files = lock.files_of("etcd-3.6", url)
    assert [file["name"] for file in files] == ["etcd", "etcdctl", "etcdutl"]
    for file in files:
        body = get(file["url"])
        assert len(body) == file["bytes"]
        assert hashlib.sha256(body).hexdigest() == file["sha256"]


@pytest.mark.parametrize("path", ["/.state/lab/gnupg/", "/../.state/lab/digests.json", "/apt/.hidden", "/"])
def test_nothing_but_the_mirror_is_served(url: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(url + path)
    assert refused.value.code in (400, 404)


def test_nobody_can_write_over_http(url: str) -> None:
    request = urllib.request.Request(f"{url}/files/x", data=b"x", method="PUT")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 405


def test_a_flipped_byte_is_found_named_and_mended(site: Site) -> None:
    lock = load_lock(site.spec)
    assert lock is not None
    victim = site.folder / lock.packages["chrony"].file
    flip(victim)
    found = site.greenfield("mirror", "verify", str(site.spec))
    assert found.returncode == 1
    assert victim.name in found.stderr.replace("\n", "")
    assert "no host was touched" in found.stderr
    mended = site.greenfield("mirror", "sync", str(site.spec))
    assert mended.returncode == 0, mended.stderr
    assert "1 placed" in mended.stdout
    assert site.greenfield("mirror", "verify", str(site.spec)).returncode == 0


def test_a_missing_file_is_found_and_named(site: Site) -> None:
    lock = load_lock(site.spec)
    assert lock is not None
    victim = site.folder / lock.files[0].file
    victim.unlink()
    found = site.greenfield("mirror", "verify", str(site.spec))
    assert found.returncode == 1
    assert "is missing" in found.stderr
    assert site.greenfield("mirror", "sync", str(site.spec)).returncode == 0
    assert victim.exists()


def test_a_foreign_index_is_refused(site: Site) -> None:
    signed = site.folder / "apt" / "dists" / "bookworm" / "InRelease"
    signed.write_text(signed.read_text().replace("Suite: bookworm", "Suite: bookwurm"))
    found = site.greenfield("mirror", "verify", str(site.spec))
    assert found.returncode == 1
    assert "not signed by the lock's key" in found.stderr.replace("\n", " ")
    assert site.greenfield("mirror", "sync", str(site.spec)).returncode == 0
    assert site.greenfield("mirror", "verify", str(site.spec)).returncode == 0


def test_what_the_lock_does_not_name_is_taken_out(site: Site) -> None:
    stray = site.folder / "apt" / "pool" / "main" / "s" / "stray_1_all.deb"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"x")
    done = site.greenfield("mirror", "sync", str(site.spec))
    assert "1 removed" in done.stdout
    assert not stray.exists()


def test_a_lock_without_this_workstations_key_is_refused_with_the_way_out(site: Site) -> None:
    path = site.spec / "mirror.lock.json"
    kept = path.read_text()
    document = json.loads(kept)
    document["key"]["fingerprint"] = "0" * 40
    path.write_text(json.dumps(document))
    try:
        done = site.greenfield("mirror", "sync", str(site.spec))
        assert done.returncode == 1
        assert "--new-key" in done.stderr
    finally:
        path.write_text(kept)
    assert site.greenfield("mirror", "sync", str(site.spec)).returncode == 0


def test_the_sbom_covers_everything(site: Site, tmp_path: Path) -> None:
    lock = load_lock(site.spec)
    assert lock is not None
    target = tmp_path / "sbom.json"
    assert site.greenfield("mirror", "sbom", str(site.spec), "-o", str(target)).returncode == 0
    components = json.loads(target.read_text())["components"]
    assert len(components) == len(lock.packages) + len(lock.files)
    assert all(component["hashes"][0]["content"] and component["purl"] for component in components)

"""Images on the real thing: synced, served over TLS by the registry, pulled, damaged, found and mended."""

from __future__ import annotations

import hashlib
import json
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from mirrored import Site, archive_of, flip, free_address, served, wait_for

from greenfield.artifacts import Lock, load_lock
from greenfield.artifacts.mirror import differences, sync, with_own_images
from greenfield.artifacts.registry_check import check_registry
from greenfield.artifacts.registry_layout import blobs
from greenfield.errors import ArtifactError

PROVES = ("mirror/images",)
ORDER = 20

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def lock_of(site: Site) -> Lock:
    lock = load_lock(site.spec)
    assert lock is not None
    return lock


def get(registry: str, path: str, lock: Lock) -> bytes:
    request = urllib.request.Request(f"https://{registry}/v2/{path}", headers={"Accept": MANIFEST})
    context = ssl.create_default_context(cadata=lock.registry_certificate)
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        found: bytes = answer.read()
        return found


def test_every_image_is_pulled_over_tls_and_is_what_the_lock_names(image_site: Site, registry: str) -> None:
    lock = lock_of(image_site)
    images = lock.images_of(["containers"])
    assert [image["name"] for image in images] == ["registry.k8s.io/pause:3.10.1"]
    for image, locked in zip(images, lock.images, strict=True):
        body = get(registry, f"{locked.repository}/manifests/{locked.tag}", lock)
        assert f"sha256:{hashlib.sha256(body).hexdigest()}" == image["digest"]
        assert get(registry, f"{locked.repository}/manifests/{image['digest']}", lock) == body
        manifest, size = json.loads(body), len(body)
        for part in (manifest["config"], *manifest["layers"]):
            blob = get(registry, f"{locked.repository}/blobs/{part['digest']}", lock)
            assert f"sha256:{hashlib.sha256(blob).hexdigest()}" == part["digest"]
            assert len(blob) == part["size"]
            size += len(blob)
        assert size == image["bytes"]
    check_registry(lock, "127.0.0.1", int(registry.split(":")[1]))


def test_the_pulled_image_runs(image_site: Site, registry: str, tmp_path: Path) -> None:
    lock = lock_of(image_site)
    manifest = json.loads(get(registry, "pause/manifests/3.10.1", lock))
    config = json.loads(get(registry, f"pause/blobs/{manifest['config']['digest']}", lock))
    layer = tmp_path / "layer.tar"
    layer.write_bytes(get(registry, f"pause/blobs/{manifest['layers'][0]['digest']}", lock))
    root = tmp_path / "root"
    root.mkdir(mode=0o755)
    subprocess.run(["tar", "-C", root, "-xf", layer], check=True, timeout=60)
    user, group = config["config"]["User"].split(":")
    command = ["chroot", f"--userspec={user}:{group}", str(root), *config["config"]["Entrypoint"]]
    process = subprocess.Popen(command)
    try:
        time.sleep(0.5)
        assert process.poll() is None
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()


def test_a_client_that_trusts_others_is_told_apart(registry: str) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"https://{registry}/v2/", timeout=10, context=ssl.create_default_context())


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "pause/blobs/uploads/"), ("PUT", "pause/manifests/3.10.1"), ("DELETE", "pause/manifests/3.10.1")],
)
def test_nobody_can_write_to_the_registry(image_site: Site, registry: str, method: str, path: str) -> None:
    lock = lock_of(image_site)
    request = urllib.request.Request(f"https://{registry}/v2/{path}", data=b"{}", method=method)
    context = ssl.create_default_context(cadata=lock.registry_certificate)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10, context=context)
    assert refused.value.code == 405


def test_the_storage_is_not_served_over_plain_http(image_site: Site) -> None:
    listen, images = free_address(), free_address()
    with served(image_site, listen, "--registry-port", images.split(":")[1]):
        path, _ = next(iter(blobs(lock_of(image_site).images[0])))
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://{listen}/{path}", timeout=10)
        assert refused.value.code == 404


def test_the_registry_ends_with_its_server(image_site: Site) -> None:
    listen, images = free_address(), free_address()
    with served(image_site, listen, "--registry-port", images.split(":")[1]) as process:
        wait_for(images)
    assert process.returncode == 0
    with pytest.raises(ArtifactError, match="does not serve site lab"):
        check_registry(lock_of(image_site), "127.0.0.1", int(images.split(":")[1]))


def test_a_flipped_byte_of_a_layer_is_found_named_and_mended(image_site: Site) -> None:
    image = lock_of(image_site).images[0]
    path, sha256 = list(blobs(image))[-1]
    victim = image_site.folder / path
    flip(victim)
    found = image_site.greenfield("mirror", "verify", str(image_site.spec))
    assert found.returncode == 1
    said = " ".join(found.stderr.split())
    assert f"image {image.name}:" in said
    assert f"the lock says {sha256}" in said
    assert "no host was touched" in said
    mended = image_site.greenfield("mirror", "sync", str(image_site.spec))
    assert mended.returncode == 0, mended.stderr
    assert "1 placed" in mended.stdout
    assert image_site.greenfield("mirror", "verify", str(image_site.spec)).returncode == 0


def test_a_tag_that_points_elsewhere_is_found(image_site: Site) -> None:
    victim = next(image_site.folder.glob("registry/**/tags/3.10.1/current/link"))
    whole = victim.read_bytes()
    victim.unlink()
    victim.write_text(f"sha256:{'0' * 64}")
    found = image_site.greenfield("mirror", "verify", str(image_site.spec))
    assert found.returncode == 1
    assert "image registry.k8s.io/pause:3.10.1:" in " ".join(found.stderr.split())
    assert image_site.greenfield("mirror", "sync", str(image_site.spec)).returncode == 0
    assert victim.read_bytes() == whole


def test_an_image_that_the_lock_does_not_name_is_taken_out(image_site: Site) -> None:
    source = image_site.folder / "registry/docker/registry/v2/repositories/pause"
    shutil.copytree(source, source.with_name("stray"))
    done = image_site.greenfield("mirror", "sync", str(image_site.spec))
    assert "4 removed" in done.stdout
    assert not source.with_name("stray").exists()


def test_a_second_sync_changes_nothing_and_is_fast(image_site: Site) -> None:
    started = time.monotonic()
    done = image_site.greenfield("mirror", "sync", str(image_site.spec))
    assert "nothing to do" in done.stdout, done.stdout + done.stderr
    assert time.monotonic() - started < 3


def test_an_archive_carried_in_takes_the_place_of_what_is_built(image_site: Site, tmp_path: Path) -> None:
    lock, image = lock_of(image_site), lock_of(image_site).images[0]
    archive, digest = archive_of(image, image_site.folder, image.name, tmp_path)
    added = image_site.greenfield("mirror", "add", f"containers/{image.name}", str(archive), "--sha256", digest)
    assert added.returncode == 0, added.stderr
    try:
        again = image_site.greenfield("mirror", "lock", str(image_site.spec), "--update")
        assert again.returncode == 0, again.stderr
        assert lock_of(image_site).images == lock.images
    finally:
        shutil.rmtree(image_site.folder.parent / ".carried")
    lock_path = image_site.spec / "mirror.lock.json"
    assert json.loads(lock_path.read_text())["artifacts"]["containers"]["images"][0]["sha256"] == image.sha256


OWN = "registry.shop.internal/shop/web:2.0"


def test_a_workloads_own_image_joins_a_lock_as_it_is_and_is_pulled(
    image_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = lock_of(image_site)
    names = [*lock.artifacts, f"image/{OWN}"]
    monkeypatch.setenv("GREENFIELD_MIRROR_DIR", str(image_site.folder.parent))
    with pytest.raises(ArtifactError, match="no source has the image") as refused:
        with_own_images(lock, names)
    assert refused.value.fix == f"greenfield mirror add image/{OWN} ARCHIVE --sha256 DIGEST"
    archive, digest = archive_of(lock.images[0], image_site.folder, OWN, tmp_path)
    wrong = image_site.greenfield("mirror", "add", f"image/{OWN}", str(archive), "--sha256", "0" * 64)
    assert wrong.returncode == 1
    assert "you said 0000" in wrong.stderr
    added = image_site.greenfield("mirror", "add", f"image/{OWN}", str(archive), "--sha256", digest)
    assert added.returncode == 0, added.stderr
    try:
        more = with_own_images(lock, names)
        assert differences(lock, more) == [f"+ {OWN} 2.0 {lock.images[0].sha256[:12]}"]
        assert replace(more, artifacts=lock.artifacts) == lock, "nothing else is asked for anew"
        sync(more, image_site.folder)
        listen, images = free_address(), free_address()
        with served(image_site, listen, "--registry-port", images.split(":")[1]):
            wait_for(images)
            body = get(images, "shop/web/manifests/2.0", lock)
        assert hashlib.sha256(body).hexdigest() == more.artifacts[f"image/{OWN}"].images[0].sha256
    finally:
        shutil.rmtree(image_site.folder.parent / ".carried")
        sync(lock, image_site.folder)
    assert with_own_images(more, names) == more, "what the lock has needs no archive here"
    assert with_own_images(more, list(lock.artifacts)) == lock, "an image that no workload runs goes"


def test_a_site_without_images_has_neither_registry_nor_authority(site: Site) -> None:
    assert not (site.folder / "registry").exists()
    assert not (site.folder.parent / ".state" / "lab" / "registry").exists()
    assert lock_of(site).registry_certificate == ""

"""Official images carried in: which one of an archive is taken, and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from greenfield.artifacts import carried, images
from greenfield.artifacts.apt_root import AptRoot
from greenfield.artifacts.catalogue import Entry, Image, Source
from greenfield.artifacts.digests import sha256_of
from greenfield.artifacts.oci_archive import unpack
from greenfield.artifacts.store import Store, quiet
from greenfield.errors import ArtifactError

NAME = "registry.example/team/server:v1"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENFIELD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GREENFIELD_MIRROR_DIR", str(tmp_path / "mirrors"))


class Archive:
    """An OCI archive in the making."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.index: list[dict[str, Any]] = []

    def blob(self, content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    def image(self, text: str) -> dict[str, Any]:
        layer = self.blob(gzip.compress(text.encode(), mtime=0))
        manifest = {"schemaVersion": 2, "config": self.blob(f'{{"of": "{text}"}}'.encode()), "layers": [layer]}
        return self.blob(json.dumps(manifest).encode())

    def add(self, descriptor: dict[str, Any], **annotations: str) -> None:
        named = {key.replace("_", "."): value for key, value in annotations.items()}
        self.index.append({**descriptor, **({"annotations": named} if named else {})})

    def write(self, place: Path, *, lacking: str = "") -> Path:
        members = {f"blobs/sha256/{name}": content for name, content in self.blobs.items() if name != lacking}
        members["index.json"] = json.dumps({"schemaVersion": 2, "manifests": self.index}).encode()
        with tarfile.open(place, "w") as archive:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return place


def hex_of(descriptor: dict[str, Any]) -> str:
    digest: str = descriptor["digest"]
    return digest.removeprefix("sha256:")


def test_the_only_image_is_taken_with_all_its_blobs(tmp_path: Path) -> None:
    archive = Archive()
    image = archive.image("one")
    archive.add(image)
    manifest, blobs = unpack(archive.write(tmp_path / "a.tar"), NAME, "amd64", Store())
    assert manifest == hex_of(image)
    assert {manifest, *blobs} == set(archive.blobs)
    assert all(Store().find(sha256) for sha256 in archive.blobs)


@pytest.mark.parametrize("said", [{"io_containerd_image_name": NAME}, {"org_opencontainers_image_ref_name": "v1"}])
def test_of_several_the_one_with_the_name_is_taken(tmp_path: Path, said: dict[str, str]) -> None:
    archive = Archive()
    wanted = archive.image("wanted")
    archive.add(archive.image("other"), io_containerd_image_name="registry.example/team/other:v2")
    archive.add(wanted, **said)
    assert unpack(archive.write(tmp_path / "a.tar"), NAME, "amd64", Store())[0] == hex_of(wanted)


def test_of_several_platforms_the_hosts_is_taken_and_no_other_is_needed(tmp_path: Path) -> None:
    archive = Archive()
    parts = {name: archive.image(name) for name in ("amd64", "arm64")}
    manifests = [{**part, "platform": {"os": "linux", "architecture": name}} for name, part in parts.items()]
    archive.add(archive.blob(json.dumps({"mediaType": INDEX, "manifests": manifests}).encode()))
    place = archive.write(tmp_path / "a.tar", lacking=hex_of(parts["arm64"]))
    assert unpack(place, NAME, "amd64", Store())[0] == hex_of(parts["amd64"])
    with pytest.raises(ArtifactError, match="not for linux/riscv64"):
        unpack(place, NAME, "riscv64", Store())


def test_another_image_is_refused_naming_it(tmp_path: Path) -> None:
    archive = Archive()
    archive.add(archive.image("one"), io_containerd_image_name="registry.example/team/server:v2")
    with pytest.raises(ArtifactError, match=r"it has registry\.example/team/server:v2") as caught:
        unpack(archive.write(tmp_path / "a.tar"), NAME, "amd64", Store())
    assert f"skopeo copy docker://{NAME}" in caught.value.fix


def test_a_damaged_or_missing_blob_is_refused(tmp_path: Path) -> None:
    archive = Archive()
    image = archive.image("one")
    archive.add(image)
    layer = hex_of(json.loads(archive.blobs[hex_of(image)])["layers"][0])
    with pytest.raises(ArtifactError, match=f"blobs/sha256/{layer}"):
        unpack(archive.write(tmp_path / "a.tar", lacking=layer), NAME, "amd64", Store())
    archive.blobs[layer] = b"other"
    with pytest.raises(ArtifactError, match=f"expected {layer}"):
        unpack(archive.write(tmp_path / "a.tar"), NAME, "amd64", Store())
    assert Store().find(layer) is None


@pytest.mark.parametrize("content", [b"", b"no archive", pytest.param(gzip.compress(b"no archive"), id="compressed")])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(ArtifactError, match="is not an OCI archive"):
        unpack(tmp_path / "a.tar", NAME, "amd64", Store())


def test_an_archive_carried_in_goes_before_every_source(tmp_path: Path) -> None:
    archive = Archive()
    image = archive.image("official")
    archive.add(image)
    place = archive.write(tmp_path / "a.tar")
    entry = Entry("x-1", (), (), (Image(NAME, "1", "pkg:generic/x@1", (Source(build="none"),), {}, {}, (), "0:0"),))
    root = AptRoot("bookworm", "amd64")
    with pytest.raises(ArtifactError, match="there is no tool 'none'") as caught:
        list(images.obtain(entry, Store(), root, quiet))
    assert f"greenfield mirror add x-1/{NAME} ARCHIVE" in caught.value.fix
    carried.add(entry, NAME, place, sha256_of(place))
    (found,) = images.obtain(entry, Store(), root, quiet)
    assert (found.name, found.sha256, found.repository, found.tag) == (NAME, hex_of(image), "team/server", "v1")
    assert found.bytes == sum(len(content) for content in archive.blobs.values())


def test_an_official_archive_of_the_catalogue_is_downloaded_and_checked(tmp_path: Path) -> None:
    archive = Archive()
    image = archive.image("official")
    archive.add(image)
    place = archive.write(tmp_path / "a.tar")
    source = Source(url=place.as_uri(), sha256=sha256_of(place))
    entry = Entry("x-1", (), (), (Image(NAME, "1", "pkg:generic/x@1", (source,), {}, {}, (), "0:0"),))
    (found,) = images.obtain(entry, Store(), AptRoot("bookworm", "amd64"), quiet)
    assert found.sha256 == hex_of(image)

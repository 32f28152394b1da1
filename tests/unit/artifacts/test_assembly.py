"""Images put together from files: the same bytes everywhere, a layout that tools understand, and nothing else in it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from greenfield.artifacts import assembly, images
from greenfield.artifacts.catalogue import Image, Source
from greenfield.artifacts.store import Store
from greenfield.errors import ArtifactError

IMAGE = Image(
    name="registry.example/team/server:v1",
    version="1",
    purl="pkg:generic/server@1",
    sources=(Source(build="server"),),
    files={"/usr/local/bin/server": "server", "/helper": "helper"},
    capabilities={"/helper": ("net_bind_service",)},
    entrypoint=("/usr/local/bin/server", "--listen"),
    user="65532:65532",
)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENFIELD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GREENFIELD_MIRROR_DIR", str(tmp_path / "mirrors"))


def built(folder: Path, *, second: int = 1) -> Path:
    """A folder of programs, whose times and modes differ with ``second``."""
    folder.mkdir()
    for name in ("server", "helper"):
        (folder / name).write_bytes(name.encode() * 1000)
        (folder / name).chmod(0o700 + second)
        os.utime(folder / name, (second, second))
    return folder


def assembled(folder: Path, image: Image = IMAGE) -> tuple[str, dict[str, Any], dict[str, Any], tarfile.TarFile]:
    store = Store()
    manifest, blobs = images.assemble(image, folder, "amd64", store)
    texts = [store.find(sha256) for sha256 in (manifest, *blobs)]
    assert all(texts)
    first, second, layer = (place.read_bytes() for place in texts if place)
    return manifest, json.loads(first), json.loads(second), tarfile.open(fileobj=io.BytesIO(layer))


def test_the_same_programs_give_the_same_digest_whenever_and_wherever_they_were_built(tmp_path: Path) -> None:
    one, *_ = assembled(built(tmp_path / "one", second=1))
    other, *_ = assembled(built(tmp_path / "other", second=5))
    assert one == other


def test_the_digest_is_known_beforehand(tmp_path: Path) -> None:
    # Held to the byte: another digest means that every site's images change.
    manifest, *_ = assembled(built(tmp_path / "one"))
    assert manifest == "d2c16e2444c715260958c735728fcc086e0d9fda06f9e771bca652e582d105e6"


@pytest.mark.parametrize(
    "other",
    [replace(IMAGE, user="0:0"), replace(IMAGE, entrypoint=("/helper",)), replace(IMAGE, capabilities={}),
     replace(IMAGE, files={"/usr/local/bin/server": "server"}), replace(IMAGE, version="2")],
)  # fmt: skip
def test_what_differs_shows_in_the_digest(tmp_path: Path, other: Image) -> None:
    folder = built(tmp_path / "one")
    assert assembled(folder)[0] != assembled(folder, other)[0]


def test_the_manifest_names_config_and_layer_by_their_digests_and_sizes(tmp_path: Path) -> None:
    digest, manifest, _, _ = assembled(built(tmp_path / "one"))
    for part in (manifest["config"], *manifest["layers"]):
        place = Store().find(part["digest"].removeprefix("sha256:"))
        assert place is not None
        assert place.stat().st_size == part["size"]
    own = Store().find(digest)
    assert own is not None
    assert hashlib.sha256(own.read_bytes()).hexdigest() == digest
    assert manifest["schemaVersion"] == 2
    assert manifest["layers"][0]["mediaType"] == "application/vnd.oci.image.layer.v1.tar"


def test_the_configuration_says_how_it_runs(tmp_path: Path) -> None:
    _, manifest, config, _ = assembled(built(tmp_path / "one"))
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    assert config["config"]["Entrypoint"] == ["/usr/local/bin/server", "--listen"]
    assert config["config"]["User"] == "65532:65532"
    assert "/usr/local/bin" in config["config"]["Env"][0]
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]


def test_the_layer_holds_the_programs_the_accounts_and_nothing_else(tmp_path: Path) -> None:
    layer = assembled(built(tmp_path / "one"))[3]
    modes = {member.name: member.mode for member in layer.getmembers()}
    assert modes == {
        "etc": 0o755, "etc/group": 0o644, "etc/nsswitch.conf": 0o644, "etc/passwd": 0o644, "helper": 0o755,
        "tmp": 0o1777, "usr": 0o755, "usr/local": 0o755, "usr/local/bin": 0o755, "usr/local/bin/server": 0o755,
    }  # fmt: skip
    assert {(m.uid, m.gid, m.mtime, m.uname) for m in layer.getmembers()} == {(0, 0, 0, "")}
    program = layer.extractfile("usr/local/bin/server")
    assert program is not None
    assert program.read() == b"server" * 1000


def test_a_file_capability_is_what_the_kernel_reads(tmp_path: Path) -> None:
    layer = assembled(built(tmp_path / "one"))[3]
    value = layer.getmember("helper").pax_headers["SCHILY.xattr.security.capability"].encode("latin-1")
    # struct vfs_cap_data, revision 2, effective; bit 10 of the permitted set alone.
    assert struct.unpack("<IIIII", value) == (0x02000001, 1 << 10, 0, 0, 0)
    assert "SCHILY.xattr.security.capability" not in layer.getmember("usr/local/bin/server").pax_headers


def test_an_unknown_capability_is_refused(tmp_path: Path) -> None:
    contents = assembly.Contents({"/x": built(tmp_path / "one") / "server"}, {"/x": ["sys_admin"]}, (), "0:0", "1")
    with pytest.raises(ArtifactError, match="capability sys_admin"):
        assembly.write_layer(contents, tmp_path / "layer.tar")


def test_a_program_that_was_not_built_is_named(tmp_path: Path) -> None:
    folder = built(tmp_path / "one")
    (folder / "helper").unlink()
    with pytest.raises(ArtifactError, match="has no helper"):
        images.assemble(IMAGE, folder, "amd64", Store())

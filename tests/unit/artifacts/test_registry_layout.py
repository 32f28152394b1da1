"""Where images lie in the registry's storage, and what a verification says of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from greenfield.artifacts import Lock, verify_mirror
from greenfield.artifacts.lock import Artifact, ImageArtifact
from greenfield.artifacts.registry_layout import ROOT, blobs, check_names, contents, links, owner
from greenfield.errors import ArtifactError


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


IMAGE = ImageArtifact(
    "registry.k8s.io/coredns/coredns:v1", sha256("manifest"), 30, "1", "pkg:generic/x@1", (sha256("a"), sha256("b"))
)
LOCK = Lock("lab", "b", "amd64", "2026-11-21T09:30:00Z", "", "", {}, {"x": Artifact(images=(IMAGE,))}, "PEM")


def written(folder: Path) -> Path:
    """A mirror of the lock: the bytes of each blob are the word its digest is of."""
    for (path, _), word in zip(blobs(IMAGE), ("manifest", "a", "b"), strict=True):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(word)
    for path, text in links(IMAGE):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENFIELD_MIRROR_DIR", str(tmp_path / "mirrors"))


def test_the_paths_are_those_of_the_registry() -> None:
    manifest = sha256("manifest")
    paths = dict(contents(LOCK))
    repository = f"{ROOT}/repositories/coredns/coredns"
    assert paths[f"{ROOT}/blobs/sha256/{manifest[:2]}/{manifest}/data"] == manifest
    for place in ("_manifests/tags/v1/current/link", f"_manifests/revisions/sha256/{manifest}/link"):
        assert paths[f"{repository}/{place}"] == sha256(f"sha256:{manifest}")
    for word in ("a", "b"):
        assert paths[f"{repository}/_layers/sha256/{sha256(word)}/link"] == sha256(f"sha256:{sha256(word)}")
    assert len(paths) == 7


def test_a_whole_mirror_is_accepted(tmp_path: Path) -> None:
    verify_mirror(LOCK, written(tmp_path / "m"))


@pytest.mark.parametrize("index", range(7))
def test_a_missing_file_names_the_image(tmp_path: Path, index: int) -> None:
    folder = written(tmp_path / "m")
    path = [path for path, _ in contents(LOCK)][index]
    (folder / path).unlink()
    with pytest.raises(ArtifactError, match=r"no host was touched:\n +image registry\.k8s\.io/coredns/coredns:v1: "):
        verify_mirror(LOCK, folder)
    assert owner(LOCK, path) == IMAGE.name


@pytest.mark.parametrize("index", range(7))
def test_another_byte_is_found(tmp_path: Path, index: int) -> None:
    folder = written(tmp_path / "m")
    path = [path for path, _ in contents(LOCK)][index]
    (folder / path).write_text("x")
    with pytest.raises(ArtifactError, match=f"image .* has SHA-256 {sha256('x')}, the lock says "):
        verify_mirror(LOCK, folder)


def test_images_that_hosts_can_not_tell_apart_are_refused() -> None:
    twin = replace(IMAGE, name="docker.io/coredns/coredns:v1")
    check_names(replace(LOCK, artifacts={"x": Artifact(images=(IMAGE,)), "y": Artifact(images=(twin,))}))
    other = replace(twin, sha256=sha256("other"))
    with pytest.raises(ArtifactError, match=r"registry\.k8s\.io/coredns/coredns:v1 and docker\.io/coredns/coredns:v1"):
        check_names(replace(LOCK, artifacts={"x": Artifact(images=(IMAGE,)), "y": Artifact(images=(other,))}))

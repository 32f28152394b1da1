"""The lock: round trip, digests, files as roles take them, and what is said of a damaged one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from greenfield.artifacts import Lock, load_lock, save_lock, summary
from greenfield.artifacts.lock import Artifact, FileArtifact, ImageArtifact, Package
from greenfield.artifacts.mirror import differences, same_content
from greenfield.errors import ArtifactError


def package(name: str, version: str = "1.0-1", sha256: str = "a" * 64) -> Package:
    return Package(name, version, "amd64", f"pool/main/{name[0]}/{name}/{name}_{version}_amd64.deb", sha256, 1_000_000)


ETCD = FileArtifact("etcd", "e" * 64, 26_000_000, "3.6.5", "pkg:golang/go.etcd.io/etcd/server/v3@v3.6.5")
LOCK = Lock(
    site="lab",
    release="bookworm",
    architecture="amd64",
    created="2026-11-21T09:30:00Z",
    apt_key="-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
    fingerprint="F" * 40,
    packages={"chrony": package("chrony"), "libc6": package("libc6", "2.36-9")},
    artifacts={
        "host": Artifact(packages=("chrony", "libc6")),
        "etcd-3.6": Artifact(files=(ETCD,)),
        "redis-7.0": Artifact(packages=("libc6",)),
    },
)


PAUSE = ImageArtifact(
    "registry.k8s.io/pause:3.10.1", "1" * 64, 1_000_000, "1.0.0", "pkg:generic/pause@v1.0.0", ("2" * 64, "3" * 64)
)
WITH_IMAGES = replace(
    LOCK,
    artifacts={**LOCK.artifacts, "containers": Artifact(("libc6",), images=(PAUSE,)), "b": Artifact(images=(PAUSE,))},
    registry_certificate="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
)


def test_a_lock_with_images_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    save_lock(WITH_IMAGES, tmp_path)
    assert load_lock(tmp_path) == WITH_IMAGES


def test_a_lock_without_images_says_nothing_of_a_registry(tmp_path: Path) -> None:
    text = save_lock(LOCK, tmp_path).read_text()
    assert "images" not in text
    assert "registry" not in text


def test_images_are_what_roles_take_each_once() -> None:
    digest = f"sha256:{'1' * 64}"
    assert WITH_IMAGES.images_of(["host", "containers", "b"]) == [
        {"name": "registry.k8s.io/pause:3.10.1", "digest": digest, "bytes": 1_000_000}
    ]
    assert WITH_IMAGES.images == (PAUSE,)
    assert (PAUSE.repository, PAUSE.tag) == ("pause", "3.10.1")
    assert summary(WITH_IMAGES) == "2 packages, 1 files, 1 images, 29 MB"


def test_another_image_shows_in_the_digest_and_in_the_differences() -> None:
    newer = replace(PAUSE, sha256="4" * 64, version="1.0.1")
    after = replace(WITH_IMAGES, artifacts={**WITH_IMAGES.artifacts, "containers": Artifact(("libc6",), (), (newer,))})
    assert after.digest_of(["containers"]) != WITH_IMAGES.digest_of(["containers"])
    assert after.digest_of(["host"]) == WITH_IMAGES.digest_of(["host"]) == LOCK.digest_of(["host"])
    one = replace(WITH_IMAGES, artifacts={"containers": Artifact(images=(PAUSE,))})
    two = replace(one, artifacts={"containers": Artifact(images=(newer,))}, registry_certificate="other")
    assert differences(one, two) == [
        f"~ registry.k8s.io/pause:3.10.1 1.0.0 -> 1.0.1, {'4' * 12}",
        "~ authority of the registry",
    ]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save_lock(LOCK, tmp_path)
    assert load_lock(tmp_path) == LOCK
    assert [path.name for path in tmp_path.iterdir()] == ["mirror.lock.json"]


def test_no_lock_is_none(tmp_path: Path) -> None:
    assert load_lock(tmp_path) is None


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 1}', '{"format": 99}'])
def test_a_damaged_lock_is_refused_naming_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "mirror.lock.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"mirror\.lock\.json"):
        load_lock(tmp_path)


def test_a_digest_covers_only_what_the_names_bring() -> None:
    newer = replace(LOCK, packages={**LOCK.packages, "chrony": package("chrony", "1.0-2", "b" * 64)})
    assert newer.digest_of(["host"]) != LOCK.digest_of(["host"])
    assert newer.digest_of(["redis-7.0", "etcd-3.6"]) == LOCK.digest_of(["etcd-3.6", "redis-7.0"])
    assert LOCK.digest_of(["host"]) != LOCK.digest_of(["host", "etcd-3.6"])


def test_a_digest_does_not_hang_on_the_key_or_the_time() -> None:
    other = replace(LOCK, created="2030-01-01T00:00:00Z", fingerprint="0" * 40, apt_key="x")
    assert other.digest_of(["host"]) == LOCK.digest_of(["host"])
    assert other.digest != LOCK.digest


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ArtifactError, match=r"'kafka-4'.*host, etcd-3\.6, redis-7\.0"):
        LOCK.digest_of(["kafka-4"])


def test_files_are_what_roles_take() -> None:
    assert LOCK.files_of("etcd-3.6", "http://10.77.0.2:8080") == [
        {
            "name": "etcd",
            "url": f"http://10.77.0.2:8080/files/{'e' * 64}/etcd",
            "sha256": "e" * 64,
            "bytes": 26_000_000,
        }
    ]
    assert LOCK.files_of("host", "http://m") == []


def test_the_summary_counts_a_shared_package_once() -> None:
    assert summary(LOCK) == "2 packages, 1 files, 28 MB"


def test_differences_are_a_line_each() -> None:
    after = replace(
        LOCK,
        packages={"chrony": package("chrony", "1.0-2"), "nftables": package("nftables")},
        artifacts={"etcd-3.6": Artifact(files=(replace(ETCD, sha256="d" * 64, version="3.6.6"),))},
    )
    assert differences(LOCK, after) == [
        "+ nftables 1.0-1",
        "- libc6 2.36-9",
        "~ chrony 1.0-1 -> 1.0-2",
        f"~ etcd 3.6.5 -> 3.6.6, {'d' * 12}",
    ]
    assert differences(LOCK, LOCK) == []


def test_only_the_time_may_differ_between_same_locks() -> None:
    assert same_content(LOCK, replace(LOCK, created="2030-01-01T00:00:00Z"))
    assert not same_content(LOCK, replace(LOCK, packages={}))

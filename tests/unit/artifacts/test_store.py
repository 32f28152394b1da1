"""The store, files carried in by hand, and the mirror's folder: nothing gets a name before its digest is right."""

from __future__ import annotations

import fcntl
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from greenfield.artifacts import carried as by_hand
from greenfield.artifacts import files, store
from greenfield.artifacts.apt_root import AptRoot
from greenfield.artifacts.catalogue import Catalogue, Entry, Files, Source
from greenfield.artifacts.digests import sha256_of
from greenfield.artifacts.lock import Artifact, Lock
from greenfield.artifacts.mirror import sync
from greenfield.artifacts.place import carried, mirror_dir
from greenfield.artifacts.store import Store, Wanted, place_file, quiet
from greenfield.errors import ArtifactError


def entry(*sources: Source) -> Entry:
    return Entry("x-1", (), (Files(("x",), "1", "pkg:generic/x@1", sources),), ())


ENTRY = entry()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENFIELD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("GREENFIELD_MIRROR_DIR", str(tmp_path / "mirrors"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x"
    path.write_bytes(b"program")
    return path


@pytest.fixture
def root() -> AptRoot:
    """An apt root for ``file:`` URIs, which need no package lists."""
    made = AptRoot("bookworm", "amd64")
    for name in ("lists/partial", "cache/archives/partial"):
        (made.folder / name).mkdir(parents=True)
    return made


def lock_of(entry: Entry, digest: str) -> Lock:
    file = replace(files.FileArtifact("x", digest, 7, "1", "pkg:generic/x@1"))
    return Lock("lab", "bookworm", "amd64", "2026-01-01T00:00:00Z", "", "", {}, {entry.name: Artifact(files=(file,))})


def test_wrong_bytes_are_not_taken_and_do_not_stay(file: Path) -> None:
    with pytest.raises(ArtifactError, match="expected 0000"):
        Store().take(file, "0" * 64)
    assert not file.exists()
    assert Store().find("0" * 64) is None


def test_a_damaged_file_of_the_store_is_forgotten(file: Path) -> None:
    digest = Store().put(file)
    place = Store().find(digest)
    assert place is not None
    place.write_bytes(b"progrbm")
    assert Store().find(digest) is None
    assert not place.exists()


def test_placing_over_a_file_leaves_its_old_bytes_alone(tmp_path: Path, file: Path) -> None:
    target, linked = tmp_path / "target", tmp_path / "linked"
    target.write_bytes(b"old")
    linked.hardlink_to(target)
    place_file(file, target)
    assert target.read_bytes() == b"program"
    assert linked.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.glob("*target*")) == ["target"]


def test_downloads_are_verified_and_kept_by_digest(file: Path, root: AptRoot) -> None:
    digest = sha256_of(file)
    Store().fetch([Wanted("x", file.as_uri(), digest, 7)], root)
    found = Store().find(digest)
    assert found is not None
    assert found.read_bytes() == b"program"


def test_a_download_with_other_bytes_is_refused_by_name(file: Path, root: AptRoot) -> None:
    with pytest.raises(ArtifactError, match="1 of 1 downloads failed") as caught:
        Store().fetch([Wanted("x 1", file.as_uri(), "0" * 64, 7)], root)
    assert "x 1" in caught.value.message
    assert Store().find("0" * 64) is None


def test_one_failed_download_does_not_cost_the_others(tmp_path: Path, file: Path, root: AptRoot) -> None:
    wanted = [Wanted("x", file.as_uri(), sha256_of(file), 7), Wanted("y", f"{tmp_path.as_uri()}/none", "1" * 64, 7)]
    with pytest.raises(ArtifactError, match="y:"):
        Store().fetch(wanted, root)
    assert Store().find(sha256_of(file)) is not None


def test_members_of_a_release_archive_become_files(tmp_path: Path, root: AptRoot) -> None:
    archive = tmp_path / "x.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        member = tarfile.TarInfo("x-1/x")
        member.size = 7
        opened.addfile(member, io.BytesIO(b"program"))
    source = Source(url=archive.as_uri(), sha256=sha256_of(archive), members={"x": "x-1/x"})
    (found,) = files.obtain(entry(source), Store(), root, quiet)
    place = Store().find(found.sha256)
    assert (found.name, found.bytes, found.version) == ("x", 7, "1")
    assert place is not None
    assert place.read_bytes() == b"program"
    lacking = replace(source, members={"x": "x-1/none"})
    with pytest.raises(ArtifactError, match="has no file x-1/none"):
        files.obtain(entry(lacking), Store(), root, quiet)


def test_a_file_carried_in_goes_before_every_source(file: Path, root: AptRoot) -> None:
    place = by_hand.add(ENTRY, "x", file, sha256_of(file).upper())
    assert place.parent == carried()
    unreachable = Source(url="file:///nowhere/x", sha256="0" * 64)
    (found,) = files.obtain(entry(unreachable), Store(), root, quiet)
    assert found.sha256 == sha256_of(file)


def test_a_file_carried_in_needs_the_digest_and_a_known_name(file: Path) -> None:
    with pytest.raises(ArtifactError, match="you said 0000"):
        by_hand.add(ENTRY, "x", file, "0" * 64)
    with pytest.raises(ArtifactError, match="has no file 'y'; it has: x"):
        by_hand.add(ENTRY, "y", file, "")
    assert not carried().exists()


def test_without_a_source_it_says_how_to_carry_the_file_in(root: AptRoot) -> None:
    with pytest.raises(ArtifactError) as caught:
        files.obtain(ENTRY, Store(), root, quiet)
    assert "greenfield mirror add x-1/x FILE" in caught.value.fix


def test_a_lock_whose_file_is_another_here_is_refused(file: Path) -> None:
    by_hand.add(ENTRY, "x", file, "")
    catalogue = Catalogue("bookworm", "amd64", {"x-1": ENTRY})
    with pytest.raises(ArtifactError, match=f"x-1/x from here has SHA-256 .*, the lock says {'0' * 64}"):
        sync(lock_of(ENTRY, "0" * 64), mirror_dir("lab"), catalogue=catalogue)
    assert not (mirror_dir("lab") / "files").exists()


def test_a_second_download_waits_for_the_first(file: Path, root: AptRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "WAIT_SECONDS", 0.3)
    folder = Store().folder
    folder.mkdir(parents=True)
    said: list[str] = []
    wanted = [Wanted("x", file.as_uri(), sha256_of(file), 7)]
    with (folder / "downloads.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ArtifactError, match="another download still holds"):
            Store().fetch(wanted, root, lambda what, done, total: said.append(what))
    assert "waiting for another download to end" in said
    Store().fetch(wanted, root)
    assert Store().find(sha256_of(file)) is not None

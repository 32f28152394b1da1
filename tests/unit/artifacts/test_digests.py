"""The digest cache: trusts stat only where stat can be trusted."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from greenfield.artifacts import digests as module
from greenfield.artifacts.digests import DigestCache, sha256_of


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file whose bytes were read."""
    seen: list[Path] = []

    def count(path: Path) -> str:
        seen.append(path)
        return sha256_of(path)

    monkeypatch.setattr(module, "sha256_of", count)
    return seen


def settle() -> None:
    time.sleep(module.SETTLED_NS / 1e9 + 0.02)


def test_an_unchanged_file_is_read_once_even_by_the_next_process(tmp_path: Path, reads: list[Path]) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    settle()
    first = DigestCache(tmp_path / "digests.json")
    digest = first.digest(file)
    first.save()
    assert DigestCache(tmp_path / "digests.json").digest(file) == digest
    assert reads == [file]


def test_a_changed_byte_with_the_old_times_is_seen(tmp_path: Path, reads: list[Path]) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    settle()
    cache = DigestCache(tmp_path / "digests.json")
    before, times = cache.digest(file), file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert cache.digest(file) != before
    assert len(reads) == 2


def test_a_file_that_just_changed_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLED_NS", 10**12)
    file = tmp_path / "file"
    file.write_bytes(b"one")
    cache = DigestCache(tmp_path / "digests.json")
    cache.digest(file)
    assert cache.entries == {}


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": 1}'])
def test_a_damaged_store_is_forgotten(tmp_path: Path, text: str) -> None:
    (tmp_path / "digests.json").write_text(text)
    assert DigestCache(tmp_path / "digests.json").entries == {}


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DigestCache(tmp_path / "digests.json").digest(tmp_path / "none")

"""What ``--restore`` may name."""

from __future__ import annotations

from pathlib import Path

import pytest

from greenfield.errors import GreenfieldError
from greenfield.restoring import VARIABLE, check, wanted


def test_engines_with_their_files(tmp_path: Path) -> None:
    snapshot = tmp_path / "a.db"
    snapshot.write_bytes(b"x")
    assert wanted({}) == {}
    assert wanted({VARIABLE: f"platform={snapshot}, other={snapshot}"}) == {"platform": snapshot, "other": snapshot}


@pytest.mark.parametrize("words", ["platform", "=x.db", "platform=", "platform=/no/such/file", "platform=/"])
def test_words_that_say_nothing_are_refused(words: str) -> None:
    with pytest.raises(GreenfieldError):
        wanted({VARIABLE: words})


def test_an_empty_file_is_no_snapshot(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    with pytest.raises(GreenfieldError, match="no snapshot that could be read"):
        wanted({VARIABLE: f"platform={tmp_path / 'empty.db'}"})


def test_an_engine_that_nothing_would_come_of_is_refused(tmp_path: Path) -> None:
    snapshot = tmp_path / "a.db"
    snapshot.write_bytes(b"x")
    said = {VARIABLE: f"platform={snapshot}"}
    check(["platform"], ["platform", "sessions"], said)
    with pytest.raises(GreenfieldError, match="no engine platform"):
        check([], ["sessions"], said)
    with pytest.raises(GreenfieldError, match="can't begin from a snapshot"):
        check([], ["platform"], said)

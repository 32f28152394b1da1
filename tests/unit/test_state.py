"""Locks in the user's state."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from greenfield import state

HOLDER = """
import time
from greenfield import state
kept = state.lock("site", "the first")
print("has it", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_a_lock_names_its_holder_and_dies_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "has it\n"
        with pytest.raises(state.HeldError) as caught:
            state.lock("site", "the second")
        assert caught.value.holder == "the first"
        other.kill()
    state.lock("site", "the second").close()


def test_a_folder_that_can_not_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "greenfield").touch()
    with pytest.raises(OSError, match="greenfield"):
        state.lock("site", "us")

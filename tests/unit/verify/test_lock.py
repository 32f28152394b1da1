"""Two runs that disturb one cluster never meet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from greenfield.errors import VerifyError
from greenfield.verify.lock import hold


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_the_second_run_is_refused_naming_the_first() -> None:
    with hold("lab", "orders"), pytest.raises(VerifyError, match=f"process {os.getpid()}"):
        hold("lab", "orders")


def test_after_the_first_the_second_may() -> None:
    hold("lab", "orders").close()
    hold("lab", "orders").close()


def test_another_cluster_is_free() -> None:
    with hold("lab", "orders"), hold("lab", "search") as other:
        assert not other.closed

"""What a run's programs leave in the temporary folder goes with the run."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from greenfield.cli.scratch import scratch


def test_it_is_the_users_own_and_goes_with_the_run_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch(tmp_path / "records") as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "kubeconfig1").write_text("key")
        assert [record.name for record in (tmp_path / "records").iterdir()] == [str(os.getpid())]
        raise KeyboardInterrupt
    assert not folder.exists()
    assert list((tmp_path / "records").iterdir()) == []


def test_that_of_a_run_that_was_killed_goes_with_the_next(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from greenfield.cli.scratch import scratch\n"
        "with scratch(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'kubeconfig1').write_text('key'); print(folder, flush=True); os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "records")]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    left = Path(said.strip())
    assert (left / "kubeconfig1").exists()
    with scratch(tmp_path / "records"):
        assert not left.exists()

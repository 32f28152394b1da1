"""Programs that a lab needs of its machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from greenfield.lab.machine import widened


def test_programs_of_the_set_up_are_found_by_whoever_calls_the_command_line_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENFIELD_CACHE_DIR", str(tmp_path))
    program = tmp_path / "tools" / "chrony" / "bin" / "keeper-of-the-clock"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert shutil.which("keeper-of-the-clock", path="/usr/bin:/bin") is None
    assert shutil.which("keeper-of-the-clock", path=widened("/usr/bin:/bin")) is not None


def test_the_users_own_programs_come_first_and_no_folder_twice() -> None:
    assert widened("/opt/bin:/usr/sbin:/bin").split(":")[:4] == ["/opt/bin", "/usr/sbin", "/bin", "/sbin"]
    assert widened(widened("/bin")) == widened("/bin")

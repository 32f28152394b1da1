"""Starts the lab's long-lived processes, so that none is ever outside its cgroup and unknown to ``down``."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from greenfield.lab.cgroup import EXEC, Cgroup
from greenfield.lab.lock import held


def spawn(
    cgroup: Cgroup, argv: Sequence[str], log: Path, *, then: str = EXEC, env: Mapping[str, str] | None = None
) -> None:
    """Start a process in a cgroup; it lives on when this command ends, and ends with its cgroup.

    Until it is in its cgroup it keeps the lab's lock, so that when this command is killed meanwhile, ``down`` waits
    that moment and then finds it. What it says is added to ``log``. ``then`` is shell text that runs ``argv``.
    """
    with log.open("ab") as said:
        subprocess.Popen(
            ["sh", "-c", cgroup.join_script(f"exec </dev/null; {then}"), "sh", *argv],
            stdin=held(),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env=env,
        )

"""Runs a program of the machine and turns its failure into an error with its own words."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence

from greenfield.errors import LabError
from greenfield.lab.lock import inherited


def run(argv: Sequence[str], *, timeout_seconds: float = 60.0, stdin: str | None = None) -> str:
    """Run a program to its end and return what it printed on standard output.

    Raises:
        LabError: it is not installed, failed or did not end in time; carries its last words.
    """
    done = attempt(argv, timeout_seconds=timeout_seconds, stdin=stdin)
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-800:]
        raise LabError(f"`{' '.join(argv)}` failed with code {done.returncode}: {words or 'it said nothing'}")
    return done.stdout


def attempt(
    argv: Sequence[str], *, timeout_seconds: float = 60.0, stdin: str | None = None, label: str = ""
) -> subprocess.CompletedProcess[str]:
    """Like ``run``, but a failure of the program is for the caller to judge by ``returncode``.

    While this process holds a lab's lock, so does the program: when only this process is killed, the next command
    waits for it. At the deadline the program and all that it started are killed. ``label`` names it in errors, or else
    ``argv`` does.
    """
    shown = label or " ".join(argv)
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=inherited(),
        )
    except FileNotFoundError as error:
        raise LabError(
            f"the program {argv[0]} is not installed",
            fix="apt-get install systemd-container debootstrap iproute2 xfsprogs openssh-client nginx-light chrony",
        ) from error
    with process:
        try:
            stdout, stderr = process.communicate(stdin, timeout=timeout_seconds)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise LabError(f"`{shown}` did not end within {timeout_seconds:.0f} s") from error
            raise
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)

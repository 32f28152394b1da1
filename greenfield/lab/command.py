"""Runs a program of the machine and turns its failure into an error with its own words."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from greenfield.errors import LabError


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
    argv: Sequence[str], *, timeout_seconds: float = 60.0, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Like ``run``, but a failure of the program is for the caller to judge by ``returncode``."""
    try:
        return subprocess.run(
            argv, input=stdin, capture_output=True, text=True, errors="replace", timeout=timeout_seconds, check=False
        )
    except FileNotFoundError as error:
        raise LabError(
            f"the program {argv[0]} is not installed",
            fix="apt-get install systemd-container debootstrap iproute2 xfsprogs openssh-client nginx-light chrony",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{' '.join(argv)}` did not end within {timeout_seconds:g} s") from error

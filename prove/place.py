"""The part of the machine that tests' labs lie in: one run at a time has it, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from prove import REPO
from prove.event import ProveError

LABS = Path("/var/lib/greenfield/labs-of-tests")
DEADLINE_SECONDS = 300


@contextlib.contextmanager
def alone() -> Iterator[Path]:
    """Hold the folder of tests' labs, with GREENFIELD_LAB_DIR set to it.

    Raises:
        ProveError: another run has it, or this user may not.
    """
    try:
        LABS.mkdir(parents=True, exist_ok=True)
        lock = LABS.with_name(f"{LABS.name}.lock").open("a")
    except OSError as error:
        raise ProveError(f"{LABS}: {error.strerror}", fix="run it as root: labs are made of namespaces") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProveError("another make test or make prove runs on this machine", fix="wait for it") from None
        os.environ["GREENFIELD_LAB_DIR"] = str(LABS)
        yield LABS


def labs_down() -> bool:
    """Take down every lab of tests, and end what an interrupted run left; whether all of it is gone."""
    try:
        done = subprocess.run(
            [sys.executable, ".ci/labs-down"], cwd=REPO, stdin=subprocess.DEVNULL, timeout=DEADLINE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0

"""A stand-in for ssh and sudo: what would run on a host runs here, so that sessions can be tested without hosts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

ENDS_SECONDS = 20.0
"""How long a process that was told to end may take on a busy machine."""

SSH = """#!/bin/bash
here=$(dirname "$0")
echo "$*" >> "$here/calls"
[ -e "$here/down" ] && { echo "ssh: connect: No route to host" >&2; exit 255; }
echo $$ >> "$here/pids"
case "$*" in *10.0.0.9*) echo "ssh: connect: No route to host" >&2; exit 255;; esac
for word; do case $word in ops@*) export ADDRESS="${word#ops@}";; esac; done
exec sh -c "${@: -1}"
"""

SUDO = """#!/bin/sh
shift
[ "$(id -u)" = 0 ] && exec "$@"
exec unshare --map-root-user "$@"
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put both first on PATH.

    In the folder, ``calls`` has a line for each attempt to connect and ``pids`` one for each connection; while there is
    a file ``down``, no host answers. ADDRESS is a host's address.
    """
    for name, text in (("ssh", SSH), ("sudo", SUDO)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def ends(group: int) -> bool:
    """Whether a process group is gone within a while."""
    deadline = time.monotonic() + ENDS_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False

"""Runs programs of ``greenfield.verify.onhost`` on a host."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import testinfra.host

FOLDER = Path(__file__).parent / "onhost"


PARTS = {"redis_client": ("resp",), "redis_restore": ("resp",)}
"""Programs that share code, which goes before them; a host has nothing of Greenfield to import from."""


@cache
def source(name: str) -> str:
    """Text of a program, complete in itself."""
    texts = [(FOLDER / f"{part}.py").read_text() for part in (*PARTS.get(name, ()), name)]
    return "\n".join(line for text in texts for line in text.splitlines() if not line.startswith("from greenfield"))


def run(
    host: testinfra.host.Host,
    name: str,
    settings: Mapping[str, Any],
    *,
    timeout: float,
    secrets: Mapping[str, str] | None = None,
) -> Any:
    """Run a program on a host with settings, as its only argument in JSON, and read the JSON that it prints.

    Args:
        timeout: seconds until it is killed.
        secrets: environment for it; neither recorded nor visible in the host's process list.

    Raises:
        AssertionError: it ended with an error or printed no JSON.
    """
    # Named in the command, so that evidence says what ran; the text itself goes by standard input.
    command = f"python3 - {shlex.quote(json.dumps(settings, separators=(',', ':')))} : {name}"
    done = host.run(command, stdin=source(name), timeout=timeout, env=secrets)
    words = (done.stderr or done.stdout).strip().splitlines()
    assert done.rc == 0, f"{name} on {host.backend.hostname}: {words[-1] if words else f'exit status {done.rc}'}"
    return json.loads(done.stdout)

"""Pinned builds that chosen events need: what only others need is not built for them, as a cold build takes minutes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

from greenfield.artifacts.recipe import names, recipe
from prove import REPO
from prove.event import Event, ProveError, discover


def wanted(events: Iterable[Event], every: Iterable[Event]) -> list[str]:
    """Tools of every set-up, and those that only seats of these events need."""
    special = {tool for event in every for tool in event.seat.tools}
    chosen = {tool for event in events for tool in event.seat.tools}
    return [name for name in names() if not recipe(name).on_demand and (name not in special or name in chosen)]


def build_for(events: Iterable[Event]) -> None:
    """Build them unless they are there, with progress on standard error.

    Raises:
        ProveError: a build failed; it has said why.
    """
    command = [sys.executable, "greenfield/artifacts/toolchain.py", "build", *wanted(events, discover())]
    done = subprocess.run(command, cwd=REPO, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise ProveError("the pinned tools could not be built", fix="see above")

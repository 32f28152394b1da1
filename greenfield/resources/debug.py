"""Keeps the debug messages of Pulumi's SDK from the engine, which nobody sees without ``--debug``.

There are four of them a resource, and the program waits for the engine's answer to each: two of the twenty seconds that
the preview of a large site takes.
"""

from __future__ import annotations

import os
from typing import Any

import pulumi

VARIABLE = "GREENFIELD_DEBUG"
"""Set to anything, messages go to the engine. ``greenfield pulumi SPEC up --debug`` sets it."""


def drop_debug_messages() -> None:
    """From now on this program's debug messages are dropped, its own too, unless ``VARIABLE`` is set."""
    if not os.environ.get(VARIABLE):
        pulumi.log.debug = _drop


def _drop(msg: str, *_: Any, **__: Any) -> None:
    pass

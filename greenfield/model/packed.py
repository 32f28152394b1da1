"""Variables as JSON text, the way they go from a program to the plugin and lie in the state.

A list of many entries of one shape (an engine's members, a host's peers) is written as a table, in which the names of
the fields stand once: such lists are most of a large site's state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

FIELDS, ROWS = "$fields", "$rows"
"""Keys of a table. No variable of a role holds a dictionary with them."""

MANY = 8
"""Shorter lists stay as they are, for people who read differences."""


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
# ``json.dumps`` would make an encoder for each host.


def as_json(value: Any) -> str:
    """JSON in its shortest form; the same value gives the same text."""
    return _encode(value)


def pack(variables: Mapping[str, Any]) -> str:
    """Variables as text; the same variables give the same text."""
    return as_json({key: _table(value) for key, value in variables.items()})


def unpack(text: str) -> dict[str, Any]:
    """Variables from their text, also from one without tables."""
    return {key: _entries(value) for key, value in json.loads(text).items()}


def _table(value: Any) -> Any:
    if not isinstance(value, list) or len(value) < MANY or not all(isinstance(entry, dict) for entry in value):
        return value
    keys = value[0].keys()
    if any(entry.keys() != keys for entry in value):
        return value
    fields = sorted(keys)
    return {FIELDS: fields, ROWS: [[entry[field] for field in fields] for entry in value]}


def _entries(value: Any) -> Any:
    if not isinstance(value, dict) or value.keys() != {FIELDS, ROWS}:
        return value
    return [dict(zip(value[FIELDS], row, strict=True)) for row in value[ROWS]]

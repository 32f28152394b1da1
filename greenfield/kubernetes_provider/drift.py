"""What became of the fields that a resource declared: only those are ours to watch.

A value that differs from what was declared is no drift where the server stored it so from the beginning (``1000m``
is stored as ``1``): what counts is whether it differs from what the server answered after the last change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ABSENT = object()
LIST_KEYS = ("name", "key", "containerPort", "port", "mountPath", "ip", "type", "topologyKey")
"""Keys by which items of Kubernetes' lists are told apart, the usual one first (``x-kubernetes-list-map-keys``)."""


def drifted(declared: Mapping[str, Any], was: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """The declared inputs as they would read if they described the object of now."""
    found = _value(declared, was, live)
    return found if isinstance(found, dict) else {}


def _value(declared: Any, was: Any, live: Any) -> Any:
    if isinstance(declared, Mapping) and isinstance(live, Mapping):
        before = was if isinstance(was, Mapping) else {}
        pairs = ((key, _entry(item, before.get(key, ABSENT), live.get(key, ABSENT))) for key, item in declared.items())
        return {key: item for key, item in pairs if item is not ABSENT}
    if isinstance(declared, list) and isinstance(live, list):
        return _list(declared, was if isinstance(was, list) else None, live)
    if was is not ABSENT and live == was:
        return declared
    return declared if live == declared else live


def _entry(declared: Any, was: Any, live: Any) -> Any:
    if live is ABSENT:
        # The server drops what is empty or the default; that is no drift. What it had kept is gone.
        return declared if was is ABSENT else ABSENT
    return _value(declared, was, live)


def _list(declared: list[Any], was: list[Any] | None, live: list[Any]) -> list[Any]:
    key = _list_key(declared)
    if key is None:
        if was == live and was is not None:
            return declared
        if len(declared) == len(live):
            old = was if was is not None and len(was) == len(live) else [ABSENT] * len(live)
            return [_value(*each) for each in zip(declared, old, live, strict=True)]
        return live
    before, now = _by(was or [], key), _by(live, key)
    items = (_entry(each, before.get(each[key], ABSENT), now.get(each[key], ABSENT)) for each in declared)
    return [each for each in items if each is not ABSENT]


def _list_key(items: Sequence[Any]) -> str | None:
    """The key that tells items apart: others may add items of their own between ours."""
    if not items or not all(isinstance(each, Mapping) for each in items):
        return None
    for key in LIST_KEYS:
        values = [each.get(key) for each in items]
        if None not in values and len(set(map(str, values))) == len(values):
            return key
    return None


def _by(items: Sequence[Any], key: str) -> dict[Any, Any]:
    return {each.get(key): each for each in items if isinstance(each, Mapping)}

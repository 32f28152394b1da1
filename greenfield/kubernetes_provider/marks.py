"""Keeps what is secret secret, wherever it stands inside a property."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue

from greenfield.provider.values import plain, wrap

Properties = dict[str, PropertyValue]

SECRET_KEYS = frozenset({"data", "stringData"})
"""Of a Secret these are secret whoever declares it."""


def read(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Properties as plain values; the state's own (``__fieldManager``) too, absent ones left out."""
    return {key: plain(value) for key, value in properties.items() if value.value is not None and key != "__defaults"}


def mark(values: Mapping[str, Any], *like: Mapping[str, PropertyValue]) -> Properties:
    """Plain values as properties: secret where one of ``like`` is, and a Secret's content always."""
    secret = SECRET_KEYS if values.get("kind") == "Secret" and values.get("apiVersion") == "v1" else frozenset()
    return {
        key: wrap(value, secret=True)
        if key in secret
        else _marked(value, [each[key] for each in like if key in each and each[key].contains_secret()])
        for key, value in values.items()
    }


def _marked(value: Any, like: Sequence[PropertyValue]) -> PropertyValue:
    if not like:
        return wrap(value)
    if any(each.is_secret for each in like):
        return wrap(value, secret=True)
    if isinstance(value, Mapping):
        maps = [each.value for each in like if isinstance(each.value, Mapping)]
        return PropertyValue({key: _marked(item, [m[key] for m in maps if key in m]) for key, item in value.items()})
    if isinstance(value, list):
        # The server may put items before ours, so what is secret in one item is taken as secret in all.
        lists = [each.value for each in like if isinstance(each.value, Sequence) and not isinstance(each.value, str)]
        items = [item for found in lists for item in found]
        return PropertyValue([_marked(item, items) for item in value])
    return wrap(value, secret=any(each.contains_secret() for each in like))

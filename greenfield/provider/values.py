"""Pulumi property values as plain Python values and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pulumi.provider.experimental.property_value import Computed, PropertyValue
from pulumi.runtime import rpc


class Unknown:
    """A value that preview can't know yet. There is one: ``UNKNOWN``."""

    def __repr__(self) -> str:
        return "(known after apply)"


UNKNOWN = Unknown()


def plain(value: PropertyValue) -> Any:
    """The value without secret marks. Whole numbers become ``int``, since Pulumi has only floating point numbers."""
    inner = value.value
    if isinstance(inner, Computed) or inner == rpc.UNKNOWN:
        return UNKNOWN
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items()}
    if isinstance(inner, float) and inner.is_integer():
        return int(inner)
    if isinstance(inner, Iterable) and not isinstance(inner, str | bytes):
        return [plain(item) for item in inner]
    return inner


def plain_map(properties: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """Every property of a resource, plain; properties of the engine's own (``__defaults``) are left out."""
    return {key: plain(value) for key, value in properties.items() if not key.startswith("__")}


def wrap(value: Any, *, secret: bool = False) -> PropertyValue:
    """A plain value as a property value."""
    return _wrap(value).with_secret(secret)


def _wrap(value: Any) -> PropertyValue:
    if value is UNKNOWN:
        # PropertyValue.computed() can't be marshalled by this SDK; the protocol's own sentinel can.
        return PropertyValue(rpc.UNKNOWN)
    if value is None:
        return PropertyValue.null()
    if isinstance(value, Mapping):
        return PropertyValue({key: _wrap(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return PropertyValue([_wrap(item) for item in value])
    return PropertyValue(float(value) if isinstance(value, int) and not isinstance(value, bool) else value)


def wrap_map(values: Mapping[str, Any], secrets: frozenset[str]) -> dict[str, PropertyValue]:
    """Plain properties as property values; those named in ``secrets`` are marked secret."""
    return {key: wrap(value, secret=key in secrets) for key, value in values.items()}


def has_unknown(value: Any) -> bool:
    """Whether a plain value holds an unknown anywhere."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN

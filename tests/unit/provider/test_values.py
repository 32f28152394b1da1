"""Property values to plain values and back."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

from greenfield.provider.values import UNKNOWN, has_unknown, plain, plain_map, wrap, wrap_map


@pytest.mark.parametrize(
    "value", [None, True, False, 0, 7, 2**40, 1.5, "", "text", [], [1, ["a"]], {}, {"a": {"b": 1}}]
)
def test_a_value_comes_back_as_it_went(value: Any) -> None:
    back = plain(wrap(value))
    assert back == value
    assert type(back) is type(value)


def test_it_comes_back_through_the_wire_too() -> None:
    values = {"count": 3, "names": ["a"], "own": {"flag": True, "none": None}}
    wire = PropertyValue.marshal_map(wrap_map(values, frozenset()))
    assert plain_map(PropertyValue.unmarshal_map(wire)) == values


def test_named_properties_are_secret_on_the_wire() -> None:
    wire = PropertyValue.marshal_map(wrap_map({"key": "word", "open": "x"}, frozenset({"key"})))
    back = PropertyValue.unmarshal_map(wire)
    assert back["key"].is_secret
    assert not back["open"].is_secret
    assert plain(back["key"]) == "word"


def test_unknown_survives_the_wire() -> None:
    wire = PropertyValue.marshal_map(wrap_map({"later": UNKNOWN}, frozenset()))
    assert plain_map(PropertyValue.unmarshal_map(wire)) == {"later": UNKNOWN}


def test_unknown_is_found_at_any_depth() -> None:
    assert has_unknown({"a": [1, {"b": UNKNOWN}]})
    assert not has_unknown({"a": [1, {"b": rpc.UNKNOWN[:4]}]})
    assert plain(PropertyValue.computed()) is UNKNOWN


def test_properties_of_the_engine_are_left_out() -> None:
    assert plain_map({"__defaults": wrap([]), "a": wrap(1)}) == {"a": 1}

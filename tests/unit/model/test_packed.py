"""Variables as text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenfield.model.packed import MANY, pack, unpack

MEMBERS = [{"name": f"m-{number}", "host": f"h{number}", "role": None} for number in range(100)]

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
ENTRIES = st.dictionaries(st.sampled_from(["name", "host", "role"]), SCALARS)
VALUES = st.recursive(SCALARS | st.lists(ENTRIES, max_size=3 * MANY), st.lists, max_leaves=20)


@given(st.dictionaries(st.text(), VALUES))
def test_what_is_packed_comes_back(variables: dict[str, Any]) -> None:
    assert unpack(pack(variables)) == variables


def test_a_long_list_of_one_shape_names_its_fields_once() -> None:
    text = pack({"etcd_members": MEMBERS})
    assert text.count('"role"') == 1
    assert len(text) < 0.7 * len(json.dumps({"etcd_members": MEMBERS}, separators=(",", ":")))


@pytest.mark.parametrize(
    "value", [MEMBERS[: MANY - 1], [*MEMBERS, {"name": "another shape"}], [*MEMBERS, "no entry"], {"a": 1}, "text", []]
)
def test_everything_else_is_plain_json(value: Any) -> None:
    assert json.loads(pack({"key": value})) == {"key": value}
    assert unpack(json.dumps({"key": value})) == {"key": value}

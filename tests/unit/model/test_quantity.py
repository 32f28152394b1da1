"""Quantities: what is written, what it means, and what is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenfield.model.quantity import (
    BITRATE,
    BYTES,
    COUNT,
    DIMENSIONS,
    DURATION,
    GROWTH,
    PERCENT,
    RATE,
    WATTS,
    Dimension,
    QuantityError,
    parse,
    parse_any,
    render,
)

dimensions = st.sampled_from(list(DIMENSIONS.values()))


@pytest.mark.parametrize(
    ("written", "dimension", "value"),
    [
        ("2GiB", BYTES, 2 * 2**30),
        ("128B", BYTES, 128),
        ("10GB", BYTES, 10**10),
        ("1.5KiB", BYTES, 1536),
        ("4kW", WATTS, 4000),
        ("180W", WATTS, 180),
        ("10Gbps", BITRATE, 10**10),
        ("250ms", DURATION, 0.25),
        ("30m", DURATION, 1800.0),
        ("14d", DURATION, 14 * 86400.0),
        ("20k/s", RATE, 20000.0),
        ("99.99%", PERCENT, 0.9999),
        ("4%/month", GROWTH, 0.04),
        ("2M", COUNT, 2e6),
        (7, COUNT, 7.0),
    ],
)
def test_what_is_written_is_what_is_meant(written: str | int, dimension: Dimension, value: float) -> None:
    assert parse(written, dimension) == value
    assert parse_any(written) == value
    assert isinstance(parse(written, dimension), int) == dimension.whole


@pytest.mark.parametrize(
    ("written", "dimension", "words"),
    [
        ("30m", BYTES, '"30m" is a duration; expected a size, e.g. 2GiB'),
        ("2GiB", DURATION, '"2GiB" is a size; expected a duration, e.g. 30m'),
        ("180", WATTS, '"180" has no unit; expected a power, e.g. 4kW'),
        ("2gib", BYTES, '"2gib" has an unknown unit "gib"; expected a size, e.g. 2GiB'),
        ("-1s", DURATION, '"-1s" is not a number with a unit; expected a duration, e.g. 30m'),
        ("", BYTES, '"" is not a number with a unit; expected a size, e.g. 2GiB'),
        ("4%", GROWTH, '"4%" is a percentage; expected a growth, e.g. 4%/month'),
    ],
)
def test_what_is_refused_says_what_was_expected(written: str, dimension: Dimension, words: str) -> None:
    with pytest.raises(QuantityError) as refusal:
        parse(written, dimension)
    assert refusal.value.message == words


def test_a_unit_in_wrong_case_is_mended() -> None:
    with pytest.raises(QuantityError) as refusal:
        parse("2gib", BYTES)
    assert refusal.value.fix == "did you mean 2GiB?"


def test_a_quantity_of_no_dimension_is_refused() -> None:
    with pytest.raises(QuantityError, match="no quantity"):
        parse_any("12 parsecs")


def test_no_unit_is_of_two_dimensions() -> None:
    units = [unit for dimension in DIMENSIONS.values() for unit in dimension.units]
    assert len(units) == len(set(units))


@settings(deadline=None)
@given(dimensions, st.integers(min_value=0, max_value=10**18))
def test_whole_values_come_back(dimension: Dimension, value: int) -> None:
    assert parse(render(value, dimension), dimension) == (value if dimension.whole else float(value))


@settings(deadline=None)
@given(dimensions, st.floats(min_value=0, max_value=1e15, allow_nan=False))
def test_values_come_back(dimension: Dimension, value: float) -> None:
    kept = round(value) if dimension.whole else value
    assert parse(render(kept, dimension), dimension) == kept


@settings(deadline=None)
@given(dimensions, st.decimals(min_value=0, max_value=10**6, places=3), st.data())
def test_what_is_written_comes_back_in_other_words(dimension: Dimension, number: object, data: st.DataObject) -> None:
    written = f"{number}{data.draw(st.sampled_from(list(dimension.units)))}"
    value = parse(written, dimension)
    assert parse(render(value, dimension), dimension) == value


@settings(deadline=None)
@given(
    dimensions,
    st.one_of(
        st.text(max_size=12),
        st.from_regex(
            r"[0-9]{1,3}(\.[0-9]{1,2})?(B|KiB|kB|W|kW|Gbps|ms|s|m|h|d|k|M|/s|k/s|%|%/month|)", fullmatch=True
        ),
    ),
)
def test_the_pattern_takes_what_parse_takes(dimension: Dimension, written: str) -> None:
    try:
        parse(written, dimension)
        taken = True
    except QuantityError:
        taken = False
    # JSON Schema's $ is the end of the text; Python's also matches before a last line feed.
    assert (re.fullmatch(dimension.pattern.strip("^$"), written) is not None) == taken
    assert taken or not re.search(dimension.pattern.replace("$", r"\Z"), written)


@settings(deadline=None)
@given(st.floats(max_value=-1e-9))
def test_negative_values_have_no_form(value: float) -> None:
    with pytest.raises(QuantityError):
        render(value, BYTES)

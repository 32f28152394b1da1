"""Quantities as people write them (``2GiB``, ``4kW``, ``250ms``, ``4%/month``), checked for their dimension."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction

_NUMBER = r"[0-9]+(\.[0-9]+)?"
_WRITTEN = re.compile(rf"(?P<number>{_NUMBER})(?P<unit>.*)", re.DOTALL)


class QuantityError(ValueError):
    """A text that is no quantity of the dimension asked for.

    Attributes:
        message: what is wrong, naming what was expected with an example.
        fix: what to write instead, or empty.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Dimension:
    """What is measured.

    Attributes:
        name: short identifier, as schemas give it in ``x-dimension``.
        meaning: the word for people, e.g. ``a size``.
        units: unit to its factor over the base unit, smallest first.
        example: a quantity as one would write it.
        suffix: what a model's field of it ends with (``_bytes``), naming the base unit.
        whole: whether the base unit is indivisible (bytes, watts); values are then ``int``, rounded to nearest.
    """

    name: str
    meaning: str
    units: Mapping[str, Fraction]
    example: str
    suffix: str = ""
    whole: bool = False

    @property
    def pattern(self) -> str:
        """A regular expression (JSON Schema dialect) that matches exactly what ``parse`` takes."""
        units = "|".join(re.escape(unit) for unit in self.units)
        return f"^{_NUMBER}({units})$"


def _units(**factors: int | str) -> dict[str, Fraction]:
    return {unit: Fraction(factor) for unit, factor in factors.items()}


BYTES = Dimension(
    "bytes",
    "a size",
    _units(B=1, kB=10**3, KiB=2**10, MB=10**6, MiB=2**20, GB=10**9, GiB=2**30, TB=10**12, TiB=2**40, PB=10**15)
    | {"PiB": Fraction(2**50)},
    "2GiB",
    "_bytes",
    whole=True,
)
WATTS = Dimension("watts", "a power", _units(W=1, kW=10**3, MW=10**6), "4kW", "_watts", whole=True)
BITRATE = Dimension(
    "bitrate",
    "a line rate",
    _units(bps=1, kbps=10**3, Mbps=10**6, Gbps=10**9, Tbps=10**12),
    "10Gbps",
    "_bits_per_second",
    whole=True,
)
DURATION = Dimension(
    "duration", "a duration", _units(us="1/1000000", ms="1/1000", s=1, m=60, h=3600, d=86400), "30m", "_seconds"
)
RATE = Dimension(
    "rate", "a rate", {"/s": Fraction(1), "k/s": Fraction(10**3), "M/s": Fraction(10**6)}, "20k/s", "_per_second"
)
PERCENT = Dimension("percent", "a percentage", {"%": Fraction(1, 100)}, "99.99%")
GROWTH = Dimension("growth", "a growth", {"%/month": Fraction(1, 100)}, "4%/month", "_per_month")
COUNT = Dimension(
    "count", "a count", {"": Fraction(1), "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9)}, "2M"
)

DIMENSIONS: Mapping[str, Dimension] = {
    dimension.name: dimension for dimension in (BYTES, WATTS, BITRATE, DURATION, RATE, PERCENT, GROWTH, COUNT)
}
"""Every dimension, by its name. No unit belongs to two of them."""


def parse(text: str | int | float, dimension: Dimension) -> float:
    """The value in the dimension's base unit: an ``int`` where the dimension is whole, else a ``float``.

    A bare number is taken only where the dimension has a unit of no letters (counts).

    Raises:
        QuantityError: the text is no number with a unit, or the unit is of another dimension.
    """
    written = str(text)
    match = _WRITTEN.fullmatch(written)
    if match is None:
        units = ", ".join(unit for unit in dimension.units if unit)
        raise _refusal(written, dimension, "is not a number with a unit", f"write a number and one of {units}")
    factor = dimension.units.get(match["unit"])
    if factor is None:
        raise _wrong_unit(written, match["number"], match["unit"], dimension)
    exact = Fraction(match["number"]) * factor
    return round(exact) if dimension.whole else float(exact)


def parse_any(text: str | int | float) -> float:
    """The value of a quantity of any dimension, in its base unit; its unit says which.

    Raises:
        QuantityError: no dimension has the unit.
    """
    match = _WRITTEN.fullmatch(str(text))
    for dimension in DIMENSIONS.values():
        if match and match["unit"] in dimension.units:
            return parse(text, dimension)
    examples = ", ".join(dimension.example for dimension in DIMENSIONS.values())
    raise QuantityError(f'"{text}" is no quantity', f"write a number with a unit, e.g. {examples}")


def render(value: float, dimension: Dimension) -> str:
    """The shortest way to write a value so that ``parse`` gives it back: ``2147483648`` bytes are ``2GiB``.

    Of a whole dimension the value is taken as an integer, else as a float.

    Raises:
        QuantityError: the value is negative or not finite.
    """
    if not 0 <= value < float("inf"):
        raise QuantityError(f"{value} can't be written as {dimension.meaning}", "give a number that is 0 or more")
    value = int(value) if dimension.whole else float(value)
    exact = Fraction(str(value))
    written = (f"{_decimal(exact / factor)}{unit}" for unit, factor in dimension.units.items())
    ranked = sorted(written, key=lambda form: (len(form), form))
    return next(form for form in ranked if "None" not in form and parse(form, dimension) == value)


def _decimal(number: Fraction) -> str | None:
    """The number as finite decimal digits, or ``None`` where it has no such form."""
    rest, twos, fives = number.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return None
    places = max(twos, fives)
    digits = str(number.numerator * 10**places // number.denominator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def _refusal(written: str, dimension: Dimension, why: str, fix: str) -> QuantityError:
    return QuantityError(f'"{written}" {why}; expected {dimension.meaning}, e.g. {dimension.example}', fix)


def _wrong_unit(written: str, number: str, unit: str, dimension: Dimension) -> QuantityError:
    known = ", ".join(name for name in dimension.units if name)
    if not unit:
        fix = f"write {number} with its unit: {known}"
        return _refusal(written, dimension, "has no unit", fix)
    for other in DIMENSIONS.values():
        if unit in other.units:
            return _refusal(written, dimension, f"is {other.meaning}", f"use one of {known}")
    near = [name for name in dimension.units if name and name.lower() == unit.strip().lower()]
    near = near or get_close_matches(unit.strip(), [name for name in dimension.units if name], n=1)
    fix = f"did you mean {number}{near[0]}?" if near else f"use one of {known}"
    return _refusal(written, dimension, f'has an unknown unit "{unit}"', fix)

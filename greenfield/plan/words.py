"""How lists and sizes are put into words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def listed(items: Iterable[str]) -> str:
    """``a, b, c``."""
    return ", ".join(items)


def some(items: Sequence[str], most: int = 5) -> str:
    """The first ``most`` items, and how many more there are."""
    rest = len(items) - most
    return listed(items) if rest <= 0 else f"{listed(items[:most])} and {rest} more"


def size(number: float) -> str:
    """Bytes in the largest binary unit that keeps the number at 1 or more, e.g. ``1.75 GiB``."""
    value = float(number)
    unit = 0
    while abs(value) >= 1024 and unit < len(UNITS) - 1:
        value /= 1024
        unit += 1
    return f"{value:.2f}".rstrip("0").rstrip(".") + f" {UNITS[unit]}"


def plural(count: int, noun: str) -> str:
    """``1 host``, ``2 hosts``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

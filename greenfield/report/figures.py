"""Measurements in words that people read."""

from __future__ import annotations

from datetime import datetime

STEPS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def duration(seconds: float) -> str:
    """``0.9 s``, ``23 ms``, ``30 min``, ``14 d``."""
    for size, unit in STEPS:
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds / size:.3g} {unit}"
    if seconds >= 10:
        return f"{seconds:.0f} s"
    if seconds >= 0.1 or seconds == 0:
        return f"{seconds:.2g} s"
    return f"{seconds * 1000:.2g} ms"


def size(count: float) -> str:
    """``41 MiB``."""
    step = 0
    while count >= 1024 and step < len(SIZES) - 1:
        count, step = count / 1024, step + 1
    return f"{count:.3g} {SIZES[step]}"


def percent(ratio: float) -> str:
    """``0.03 %`` of ``0.0003``; what happened is never rounded to nothing."""
    return f"{ratio:.2%}".replace("%", " %") if ratio >= 0.0001 or ratio == 0 else "< 0.01 %"


def figure(name: str, value: float) -> tuple[str, str]:
    """A measurement's label and value; the ending of its name tells the unit (``recovery_seconds``)."""
    for ending, words in (
        ("_seconds", duration),
        ("_bytes", size),
        ("_ratio", lambda ratio: f"{ratio:.1%}"),
    ):
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " "), words(value)
    return name.replace("_", " "), f"{value:,.6g}" if value % 1 else f"{value:,.0f}"


def instant(text: str) -> str:
    """An ISO 8601 time as ``2026-11-21 10:15:03 UTC``."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S UTC")

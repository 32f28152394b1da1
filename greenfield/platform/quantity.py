"""Amounts as Kubernetes writes them, in the form that it keeps."""

from __future__ import annotations


def cores(amount: float) -> str:
    """CPU: ``0.5`` is ``500m``, ``2.0`` is ``2``."""
    thousandths = round(amount * 1000)
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def octets(amount: int) -> str:
    """Memory or storage in bytes, with the largest binary unit that leaves a whole number: ``512Mi``."""
    for unit, size in (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if amount and amount % size == 0:
            return f"{amount // size}{unit}"
    return str(amount)

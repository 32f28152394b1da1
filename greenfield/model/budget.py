"""A budget: what a cluster may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits for one cluster, in ``currency``: hardware once, power per month.

    ``price_per_kwh`` and the hardware classes' ``price`` give the cost; ``None`` means no limit.
    """

    name: str
    cluster: str
    currency: str
    hardware_limit: float | None
    power_per_month_limit: float | None
    price_per_kwh: float

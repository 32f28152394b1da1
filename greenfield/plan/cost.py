"""What a plan costs: hardware once, power per month. Limits are held against it when the spec is read."""

from __future__ import annotations

from dataclasses import dataclass

from greenfield.model.budget import Budget
from greenfield.plan.plan import Plan
from greenfield.spec.check_budget import HOURS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of the cluster's hosts in ``currency``: hardware once, power per month at full load."""

    currency: str
    hardware: float
    power_per_month: float


def cost(plan: Plan, budget: Budget) -> Cost:
    """Cost of a plan at a budget's prices."""
    classes = [plan.site.hardware[host.host.hardware] for host in plan.hosts.values()]
    kilowatts = sum(hardware.power_watts for hardware in classes) / 1000
    return Cost(
        budget.currency,
        sum(hardware.price for hardware in classes),
        kilowatts * HOURS_PER_MONTH * budget.price_per_kwh,
    )

"""What a plan costs: hardware once, power per month."""

from __future__ import annotations

from dataclasses import dataclass

from greenfield.model.budget import Budget
from greenfield.model.problem import Problem
from greenfield.plan.plan import Plan

HOURS_PER_MONTH = 365.25 * 24 / 12


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


def budget_problems(plan: Plan, budget: Budget) -> list[Problem]:
    """An error for each limit of the budget that the plan exceeds."""
    spent = cost(plan, budget)
    judged = (
        ("hardware", "hardware", spent.hardware, budget.hardware_limit),
        ("powerPerMonth", "power per month", spent.power_per_month, budget.power_per_month_limit),
    )
    return [
        Problem(
            ("Budget", budget.name, "spec", key),
            f"{what} of cluster {budget.cluster} is {value:,.0f} {budget.currency}; the limit is {limit:,.0f}",
            "fewer or smaller hosts in its pools, or a higher limit",
            "budget-exceeded",
        )
        for key, what, value, limit in judged
        if limit is not None and value > limit
    ]

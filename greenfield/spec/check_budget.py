"""A cluster's cost against its budget: what its pools ask for, at the site's prices."""

from __future__ import annotations

from collections.abc import Mapping

from greenfield.model.budget import Budget
from greenfield.spec.build_cluster import BuiltCluster
from greenfield.spec.build_site import BuiltSite
from greenfield.spec.draft import Draft

HOURS_PER_MONTH = 24 * 365 / 12


def check_budget(
    budget: Budget, draft: Draft, clusters: Mapping[str, BuiltCluster], sites: Mapping[str, BuiltSite]
) -> None:
    """Adds what is wrong with a budget, or with a cluster's cost against it, to the budget's problems."""
    if not budget.cluster or not draft.known(budget.cluster, clusters, "the cluster", ("cluster",), "unknown-cluster"):
        return
    cluster = clusters[budget.cluster].cluster
    site = sites.get(cluster.site)
    if site is None:
        return
    hardware = site.site.hardware
    pools = [pool for pool in cluster.node_pools.values() if pool.hardware in hardware]
    price = sum(pool.count * hardware[pool.hardware].price for pool in pools)
    watts = sum(pool.count * hardware[pool.hardware].power_watts for pool in pools)
    power = watts / 1000 * HOURS_PER_MONTH * budget.price_per_kwh
    if budget.hardware_limit is not None:
        _price_known(draft, [pool.hardware for pool in pools if not hardware[pool.hardware].price])
        if price > budget.hardware_limit:
            _over(draft, "hardware", f"the hosts of {cluster.name} cost {price:,.0f} {budget.currency}")
    if budget.power_per_month_limit is not None and power > budget.power_per_month_limit:
        what = f"a month of power of {cluster.name} at full load ({watts / 1000:,.1f} kW)"
        _over(draft, "powerPerMonth", f"{what} costs {power:,.0f} {budget.currency}")


def _price_known(draft: Draft, classes: list[str]) -> None:
    for name in dict.fromkeys(classes):
        message = f"the hardware class {name} has no price, so its hosts count as free"
        draft.add(
            ("hardware",), message, f"add price to hardware class {name} in the site", "no-price", severity="warning"
        )


def _over(draft: Draft, key: str, what: str) -> None:
    message = f"{what}; the limit is {draft.document.spec[key]:,.0f}"
    draft.add((key,), message, "use fewer or smaller hosts, or raise the limit", "over-budget")

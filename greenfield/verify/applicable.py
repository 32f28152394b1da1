"""What a check needs of the plan. Where the plan lacks it there is nothing that the control could hold of.

It is decided from the plan alone, before any host is asked: what hosts say never makes a control inapplicable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from greenfield.engines import ENGINES, STANDALONE
from greenfield.plan import Member, Plan


def lacking(plan: Plan, engine: str, need: str) -> str:
    """Why a control with this need does not apply to an engine; empty when it does.

    Raises:
        KeyError: there is no such need.
    """
    return NEEDS[need](plan, engine)


def _nodes(plan: Plan, engine: str) -> list[Member]:
    """Members of an engine and of those that belong to it."""
    own = [name for name in plan.cluster.engines if plan.head_of(name) == plan.head_of(engine)]
    return [member for name in own for member in plan.members_of(name)]


def _workers(plan: Plan, engine: str) -> str:
    own = {member.engine for member in _nodes(plan, engine)} - {engine}
    return "" if own else f"the spec gives {engine} no workers"


def _another_node(plan: Plan, engine: str) -> str:
    return "" if len(_nodes(plan, engine)) > 1 else f"{engine} has a single node"


def _another_rack(plan: Plan, engine: str) -> str:
    racks = {plan.hosts[member.host].host.rack for member in _nodes(plan, engine)}
    return "" if len(racks) > 1 else f"all nodes of {engine} are in rack {', '.join(racks)}"


def _own_store(plan: Plan, engine: str) -> str:
    spec = plan.cluster.engines[engine]
    for option, kind in ENGINES[spec.kind].references.items():
        if spec.options[option] not in STANDALONE:
            return f"{engine} keeps its objects in {spec.options[option]}, whose own controls ({kind}) judge it"
    return ""


NEEDS: Mapping[str, Callable[[Plan, str], str]] = {
    "workers": _workers,
    "another-node": _another_node,
    "another-rack": _another_rack,
    "own-store": _own_store,
}
"""Words that a test's mark ``needs`` may hold."""

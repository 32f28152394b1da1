"""What a check needs of the plan. Where the plan lacks it there is nothing that the control could hold of.

It is decided from the plan alone, before any host is asked: what hosts say never makes a control inapplicable.
"""

from __future__ import annotations

from collections import Counter
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


def _another_member(plan: Plan, engine: str) -> str:
    several = len(plan.members_of(engine)) > 1
    return "" if several else f"{engine} has a single member, whose loss the spec accepts (acceptLoss)"


def spare_racks(plan: Plan, engine: str) -> tuple[str, ...]:
    """Racks that can be lost while an engine goes on: without them most members are left, and the first is.

    Checks ask at the first. Racks of members come before those that have nothing but workers.
    """
    members = plan.members_of(engine)
    held = Counter(_rack(plan, member) for member in members)
    first = _rack(plan, members[0])
    others = {_rack(plan, member): 0 for member in _nodes(plan, engine)}
    found = {rack: held[rack] for rack in (*reversed(held), *reversed(others))}
    return tuple(rack for rack, count in found.items() if rack != first and 2 * count < len(members))


def _rack(plan: Plan, member: Member) -> str:
    return plan.hosts[member.host].host.rack


def _spare_rack(plan: Plan, engine: str) -> str:
    return "" if spare_racks(plan, engine) else f"every rack of {engine} is one that it can't go on without"


def _own_store(plan: Plan, engine: str) -> str:
    spec = plan.cluster.engines[engine]
    for option, kind in ENGINES[spec.kind].references.items():
        if spec.options[option] not in STANDALONE:
            return f"{engine} keeps its objects in {spec.options[option]}, whose own controls ({kind}) judge it"
    return ""


NEEDS: Mapping[str, Callable[[Plan, str], str]] = {
    "workers": _workers,
    "another-node": _another_node,
    "another-member": _another_member,
    "spare-rack": _spare_rack,
    "own-store": _own_store,
}
"""Words that a test's mark ``needs`` may hold."""

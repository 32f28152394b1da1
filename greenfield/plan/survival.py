"""The failure-domain proof and the power balance, put in a line each."""

from __future__ import annotations

from collections import defaultdict

from greenfield.engines.descriptor import Slot
from greenfield.plan.domains import DOMAINS
from greenfield.plan.plan import Loss, Plan
from greenfield.plan.words import listed, some

WORDS = {"host": "host", "rack": "rack", "feed": "feed", "tor": "ToR"}


def survival_line(plan: Plan) -> str:
    """E.g. ``survives: any 1 rack yes (kv keeps 2 of 3), any 1 feed yes, any 1 host yes, any 1 ToR yes``."""
    by_domain: dict[str, list[Loss]] = defaultdict(list)
    for loss in plan.losses:
        by_domain[loss.domain].append(loss)
    parts = []
    for domain in sorted(by_domain, key=lambda name: (name != "rack", DOMAINS.index(name))):
        losses = by_domain[domain]
        fatal = [loss for loss in losses if loss.groups_lost]
        if fatal:
            names = [f"{loss.engine} loses {some(loss.groups_lost, 2)} with {loss.name}" for loss in fatal]
            accepted = ", accepted" if all(loss.accepted for loss in fatal) else ""
            parts.append(f"any 1 {WORDS[domain]} no{accepted} ({some(names, 1)})")
        else:
            kept = f" ({listed(_kept(plan, losses))})" if domain == "rack" else ""
            parts.append(f"any 1 {WORDS[domain]} yes{kept}")
    return f"survives: {listed(parts) or 'nothing is placed'}"


def _kept(plan: Plan, losses: list[Loss]) -> list[str]:
    """What each engine keeps when the worst of the domains is lost; more than six engines are told as one."""
    worst: dict[str, int] = defaultdict(int)
    for loss in losses:
        worst[loss.engine] = max(worst[loss.engine], loss.members_lost)
    if len(worst) > 6:
        return [f"all {len(worst)} engines keep every group"]
    words = []
    for engine, lost in worst.items():
        members = plan.members_of(engine)
        groups = {member.slot.group for member in members}
        if len(groups) == 1:
            words.append(f"{engine} keeps {len(members) - lost} of {len(members)}")
        else:
            words.append(f"{engine} keeps every {members[0].slot.group.rsplit('-', 1)[0]}")
    return words


def power_line(plan: Plan) -> str:
    """E.g. ``power: 1.6 of 24 kW (worst rack with one feed lost: r1 0.54 of 4 kW)``."""
    total = sum(sum(plan.site.racks[entry.rack].feed_watts.values()) for entry in plan.power)
    draw = sum(entry.draw_watts for entry in plan.power)
    line = f"power: {_kilowatts(draw)} of {_kilowatts(total)} kW"
    fed = [entry for entry in plan.power if entry.available_watts]
    if fed:
        worst = max(fed, key=lambda entry: entry.draw_watts / entry.available_watts)
        available = _kilowatts(worst.available_watts)
        line += f" (worst rack with one feed lost: {worst.rack} {_kilowatts(worst.draw_watts)} of {available} kW)"
    return line


def _kilowatts(watts: int) -> str:
    return f"{watts / 1000:.3g}"


def member_word(slot: Slot) -> str:
    """How a member is called in a picture: ``member-1``, or ``shard-1 primary`` where roles differ."""
    return slot.name if slot.role == "member" else f"{slot.group} {slot.role}"

"""What to do next so that members form a Redis cluster, or mend one: pure, from what was seen."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.greenfield.host.plugins.module_utils.redis_view import SLOTS, group_primary


@dataclass(frozen=True)
class Action:
    """``words`` is a command for the member ``name``."""

    name: str
    words: tuple


def shard_ranges(groups):
    """Group to its (first, last) slot; even shares in the order given."""
    count = len(groups)
    return {group: (SLOTS * index // count, SLOTS * (index + 1) // count - 1) for index, group in enumerate(groups)}


def next_actions(seen, port):
    """Actions of the next round; none when nothing is left to do or one must wait. Also what can't be done."""
    answering = [one for one in seen if not one.trouble]
    if not answering:
        return [], []
    everyone = len(answering) == len(seen)
    seed = max(answering, key=lambda one: (sum(node.slots for node in one.nodes.values()), len(one.nodes)))
    actions, refused = _meet(seed, answering, port)
    if everyone and all(one.blank for one in answering):
        epochs = [
            Action(one.name, ("CLUSTER", "SET-CONFIG-EPOCH", str(index)))
            for index, one in enumerate(answering, 1)
            if not any(node.greeting for node in one.nodes.values())
        ]
        actions = epochs + actions
    if actions or refused:
        return actions, refused
    if everyone:
        actions += _assign(seen)
    actions += _replicate(seen)
    if everyone and not actions:
        forget, refused = _forget(seen)
        actions += forget
    return actions, refused


def _meet(seed, answering, port):
    """Members that the seed does not know are introduced to it."""
    actions, refused = [], []
    for one in answering:
        if one is seed or (one.id in seed.nodes and seed.id in one.nodes and not seed.nodes[one.id].greeting):
            continue
        foreign = any(node.slots for node in one.nodes.values()) and seed.id not in one.nodes
        if foreign and one.id not in seed.nodes:
            refused.append(
                f"{one.name} belongs to another cluster that has slots of its own; its data would be lost by joining. "
                f"Fix: find out where it comes from, move its data directory away and run the delivery again"
            )
        else:
            actions.append(Action(seed.name, ("CLUSTER", "MEET", one.address, str(port))))
    return actions, refused


def _assign(seen):
    """Slots that nobody owns, not even a failed node, go to the primary of their shard."""
    owned = bytearray(SLOTS)
    for one in seen:
        for node in one.nodes.values():
            for first, last in node.ranges:
                owned[first : last + 1] = b"\1" * (last - first + 1)
    groups = list(dict.fromkeys(one.group for one in seen))
    actions = []
    for group, (first, last) in shard_ranges(groups).items():
        free = _runs([slot for slot in range(first, last + 1) if not owned[slot]])
        masters = [one for one in seen if one.group == group and "master" in one.own.flags]
        home = group_primary(seen, group) or max(
            masters, key=lambda one: (one.keys, one.role == "primary"), default=None
        )
        if free and home:
            words = [str(end) for run in free for end in run]
            actions.append(Action(home.name, ("CLUSTER", "ADDSLOTSRANGE", *words)))
    return actions


def _runs(slots):
    runs = []
    for slot in slots:
        if runs and runs[-1][1] == slot - 1:
            runs[-1][1] = slot
        else:
            runs.append([slot, slot])
    return runs


def _replicate(seen):
    """Members without slots follow the primary of their group, whoever that is by now."""
    actions = []
    for one in seen:
        if one.trouble or one.own.ranges:
            continue
        primary = group_primary(seen, one.group)
        if primary and one.own.master != primary.id and primary.id in one.nodes:
            actions.append(Action(one.name, ("CLUSTER", "REPLICATE", primary.id)))
    return actions


def _forget(seen):
    """Nodes that no member is any more are forgotten everywhere, unless they still own slots."""
    ids = {one.id for one in seen}
    actions, refused = [], []
    for one in seen:
        for node in one.nodes.values():
            if node.id in ids or node.greeting:
                continue
            if node.slots:
                refused.append(
                    f"{one.name} knows the lost node {node.id[:8]} as owner of {node.slots} slots and no replica took "
                    "over; their data is lost. Fix: restore the shard from a backup (docs/engines/redis.md)"
                )
            else:
                actions.append(Action(one.name, ("CLUSTER", "FORGET", node.id)))
    return actions, refused

"""What is done next to form a Redis cluster or to mend one."""

from __future__ import annotations

import sys

import pytest

from greenfield import content

sys.path.insert(0, str(content.collections()))

from ansible_collections.greenfield.host.plugins.module_utils.redis_plan import Action, next_actions, shard_ranges
from ansible_collections.greenfield.host.plugins.module_utils.redis_view import Node, Seen, faults, parse_nodes

GROUPS = ("shard-1", "shard-2", "shard-3")
RANGES = shard_ranges(GROUPS)
MEMBERS = [(f"{group}-{letter}", group) for letter in "ab" for group in GROUPS]


def address(name):
    return f"10.0.0.{[member for member, _ in MEMBERS].index(name) + 1}"


def node(name, *, slots=(), master="", flags=(), id_=None):
    role = "slave" if master else "master"
    return Node(id_ or f"id-{name}", address(name), frozenset({role, *flags}), master, tuple(slots))


def formed(*, lost=()):
    """A formed cluster; members in ``lost`` do not answer."""
    nodes = {}
    for name, group in MEMBERS:
        primary = name.endswith("a")
        one = node(name, slots=[RANGES[group]] if primary else [], master="" if primary else f"id-{group}-a")
        nodes[one.id] = one
    return [seen(name, group, nodes, trouble="no route" if name in lost else "") for name, group in MEMBERS]


def seen(name, group, nodes, *, trouble="", id_=None, keys=0):
    role = "primary" if name.endswith("a") else "replica"
    if trouble:
        return Seen(name, group, role, address(name), trouble)
    info = {"master_link_status": "up"} if nodes[id_ or f"id-{name}"].master else {}
    return Seen(name, group, role, address(name), "", id_ or f"id-{name}", dict(nodes), info, "ok", keys)


def blank(name, group, *, keys=0):
    own = node(name)
    return seen(name, group, {own.id: own}, keys=keys)


def acquainted(**keys):
    """All know each other, nobody owns slots."""
    nodes = {f"id-{name}": node(name) for name, _ in MEMBERS}
    return [seen(name, group, nodes, keys=keys.get(name.replace("-", "_"), 0)) for name, group in MEMBERS]


def test_shards_share_all_slots():
    assert [RANGES[group] for group in GROUPS] == [(0, 5460), (5461, 10921), (10922, 16383)]


def test_blank_members_are_numbered_and_introduced_to_one():
    actions, refused = next_actions([blank(*member) for member in MEMBERS], 6379)
    assert not refused
    assert [action.words[1] for action in actions].count("SET-CONFIG-EPOCH") == 6
    meets = [action for action in actions if action.words[1] == "MEET"]
    assert {action.name for action in meets} == {"shard-1-a"}
    assert len(meets) == 5


def test_slots_go_to_the_planned_primaries():
    actions, _ = next_actions(acquainted(), 6379)
    assert actions == [
        Action(f"{group}-a", ("CLUSTER", "ADDSLOTSRANGE", str(first), str(last)))
        for group, (first, last) in RANGES.items()
    ]


def test_slots_go_to_the_member_that_holds_data():
    actions, _ = next_actions(acquainted(shard_2_b=7), 6379)
    assert [action.name for action in actions] == ["shard-1-a", "shard-2-b", "shard-3-a"]


def test_what_an_ended_run_left_is_finished():
    nodes = {f"id-{name}": node(name) for name, _ in MEMBERS}
    nodes["id-shard-1-a"] = node("shard-1-a", slots=[(0, 100), (200, 5460)])
    actions, _ = next_actions([seen(name, group, nodes) for name, group in MEMBERS], 6379)
    assert Action("shard-1-a", ("CLUSTER", "ADDSLOTSRANGE", "101", "199")) in actions
    assert Action("shard-1-b", ("CLUSTER", "REPLICATE", "id-shard-1-a")) in actions


def test_a_formed_cluster_is_left_alone():
    view = formed()
    assert next_actions(view, 6379) == ([], [])
    assert faults(view) == []


def test_roles_that_moved_are_not_moved_back():
    nodes = dict(formed()[0].nodes)
    nodes["id-shard-1-b"] = node("shard-1-b", slots=[RANGES["shard-1"]])
    nodes["id-shard-1-a"] = node("shard-1-a", master="id-shard-1-b")
    view = [seen(name, group, nodes) for name, group in MEMBERS]
    assert next_actions(view, 6379) == ([], [])
    assert faults(view) == []


def returned_empty(*, owns):
    """shard-1-a came back under a new id; its old one owns slots still, or shard-1-b took over."""
    nodes = dict(formed()[0].nodes)
    nodes["id-shard-1-a"] = node("shard-1-a", slots=[RANGES["shard-1"]] if owns else [], flags={"fail"})
    if not owns:
        nodes["id-shard-1-b"] = node("shard-1-b", slots=[RANGES["shard-1"]])
    nodes["new"] = node("shard-1-a", id_="new")
    return [seen(name, group, nodes, id_="new" if name == "shard-1-a" else None) for name, group in MEMBERS]


def test_a_member_with_a_new_id_follows_its_heir_then_the_old_id_is_forgotten():
    view = returned_empty(owns=False)
    assert next_actions(view, 6379)[0] == [Action("shard-1-a", ("CLUSTER", "REPLICATE", "id-shard-1-b"))]
    nodes = {**view[0].nodes, "new": node("shard-1-a", id_="new", master="id-shard-1-b")}
    view = [seen(one.name, one.group, nodes, id_=one.id) for one in view]
    actions, refused = next_actions(view, 6379)
    assert not refused
    assert actions == [Action(name, ("CLUSTER", "FORGET", "id-shard-1-a")) for name, _ in MEMBERS]


def test_an_owner_of_slots_is_never_forgotten():
    nodes = {key: value for key, value in returned_empty(owns=True)[0].nodes.items() if key != "id-shard-1-b"}
    view = [
        seen(name, group, nodes, id_="new" if name == "shard-1-a" else None)
        for name, group in MEMBERS
        if name != "shard-1-b"
    ]
    actions, refused = next_actions(view, 6379)
    assert not any("FORGET" in action.words for action in actions)
    assert any("their data is lost" in reason for reason in refused)


def test_nothing_is_forgotten_or_assigned_while_a_member_is_away():
    view = formed(lost={"shard-2-b"})
    assert next_actions(view, 6379) == ([], [])
    assert faults(view) == ["shard-2-b does not answer (no route)"]
    assert faults(view, {"shard-2-b"}) == []


def test_a_foreign_cluster_is_not_swallowed():
    own = node("shard-3-b", slots=[(0, 10)])
    view = [*formed()[:5], seen("shard-3-b", "shard-3", {own.id: own})]
    view = [
        Seen(one.name, one.group, one.role, one.address, "", one.id,
             {key: value for key, value in one.nodes.items() if key != own.id or one.id == own.id}, one.info, "ok")
        for one in view
    ]  # fmt: skip
    actions, refused = next_actions(view, 6379)
    assert not actions
    assert "shard-3-b belongs to another cluster" in refused[0]


@pytest.mark.parametrize(
    ("line", "slots"),
    [
        ("a 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-5460 5462 [93-<-b]", 5462),
        ("a 10.0.0.1:6379@16379,host slave b 0 0 1 connected", 0),
        ("a :0@0 master,noaddr - 0 0 1 disconnected 7", 1),
    ],
)
def test_lines_of_cluster_nodes(line, slots):
    (parsed,) = parse_nodes(line).values()
    assert parsed.slots == slots
    assert parsed.address in ("10.0.0.1", "")

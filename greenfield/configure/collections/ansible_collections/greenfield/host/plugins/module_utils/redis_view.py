"""What the members of a Redis cluster say of themselves and of each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.greenfield.host.plugins.module_utils.redis_wire import Redis, RedisError

SLOTS = 16384


@dataclass(frozen=True)
class Node:
    """A line of CLUSTER NODES. ``ranges`` are the slots it owns, both ends included."""

    id: str
    address: str
    flags: frozenset
    master: str
    ranges: tuple

    @property
    def slots(self):
        """How many slots it owns."""
        return sum(last - first + 1 for first, last in self.ranges)

    @property
    def greeting(self):
        """Whether the handshake still goes on; its id is made up until then."""
        return "handshake" in self.flags


@dataclass(frozen=True)
class Seen:
    """One member. ``trouble`` is why it did not answer; the rest is empty then."""

    name: str
    group: str
    role: str
    address: str
    trouble: str = ""
    id: str = ""
    nodes: dict = field(default_factory=dict)
    info: dict = field(default_factory=dict)
    state: str = ""
    keys: int = 0

    @property
    def own(self):
        """Its own line in its list of nodes."""
        return self.nodes[self.id]

    @property
    def blank(self):
        """Whether it knows nobody and owns nothing."""
        return not self.own.ranges and all(node.id == self.id or node.greeting for node in self.nodes.values())


def parse_nodes(text):
    """CLUSTER NODES as id to Node."""
    nodes = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 8:
            continue
        ranges = []
        for word in words[8:]:
            if word.startswith("["):
                continue
            first, _, last = word.partition("-")
            ranges.append((int(first), int(last or first)))
        nodes[words[0]] = Node(
            words[0],
            words[1].split("@")[0].rpartition(":")[0],
            frozenset(words[2].split(",")),
            "" if words[3] == "-" else words[3],
            tuple(ranges),
        )
    return nodes


def look_at(member, port, access):
    """Ask one member everything."""
    who = {key: member[key] for key in ("name", "group", "role", "address")}
    try:
        with Redis(member["address"], port, access) as redis:
            cluster = dict(line.split(":", 1) for line in redis.call("CLUSTER", "INFO").splitlines() if ":" in line)
            return Seen(
                **who,
                id=redis.call("CLUSTER", "MYID"),
                nodes=parse_nodes(redis.call("CLUSTER", "NODES")),
                info=redis.info("replication", "persistence"),
                state=cluster["cluster_state"],
                keys=redis.call("DBSIZE"),
            )
    except RedisError as error:
        return Seen(**who, trouble=str(error))


def look(members, port, access):
    """Ask all members at once; in their order."""
    with ThreadPoolExecutor(max_workers=min(32, max(1, len(members)))) as pool:
        return list(pool.map(lambda member: look_at(member, port, access), members))


def group_primary(seen, group):
    """The member of a group that owns slots; None when none that answers does."""
    owners = [one for one in seen if one.group == group and not one.trouble and one.own.ranges]
    return max(owners, key=lambda one: one.own.slots, default=None)


def faults(seen, excused=frozenset()):
    """Everything that keeps the cluster from being healthy, in words that name the member.

    ``excused`` members may be ill, as long as every slot is served.
    """
    found = [f"{one.name} does not answer ({one.trouble})" for one in seen if one.trouble and one.name not in excused]
    answering = [one for one in seen if not one.trouble]
    names = {one.id: one.name for one in answering}
    covered = sum(one.own.slots for one in answering if "master" in one.own.flags)
    if covered != SLOTS:
        found.append(f"{covered} of {SLOTS} slots are served")
    for one in answering:
        if one.name not in excused:
            found += _faults_of(one, seen, names)
    known = {id_ for one in answering for id_ in one.nodes}
    for id_ in sorted(known - set(names)):
        node = next(one.nodes[id_] for one in answering if id_ in one.nodes)
        at = next((one for one in seen if one.address == node.address), None)
        # A member that does not answer is named already, and its id can't be told from a lost one.
        if not node.greeting and not (at and (at.trouble or at.name in excused)):
            found.append(f"unknown or lost node {id_[:8]} ({at.name if at else node.address or 'no address'})")
    return found


def _faults_of(one, seen, names):
    found = [] if one.state == "ok" else [f"{one.name} says the cluster is in state {one.state}"]
    missing = [name for id_, name in names.items() if id_ not in one.nodes or one.nodes[id_].greeting]
    if missing:
        found.append(f"{one.name} does not know {', '.join(missing)}")
    ill = [names[node.id] for node in one.nodes.values() if node.id in names and node.flags & {"fail", "fail?"}]
    if ill:
        found.append(f"{one.name} takes {', '.join(ill)} for failed")
    if one.info.get("loading", "0") != "0":
        found.append(f"{one.name} is loading its data")
    for key in ("rdb_last_bgsave_status", "aof_last_write_status"):
        if one.info.get(key, "ok") != "ok":
            found.append(f"{one.name}: {key} is {one.info[key]}")
    role = _role_fault(one, group_primary(seen, one.group))
    return [*found, role] if role else found


def _role_fault(one, primary):
    if primary is None:
        return f"{one.group} has no primary that owns slots"
    if one is primary:
        return ""
    if one.own.ranges:
        return f"{one.name} and {primary.name} both own slots of {one.group}"
    if one.own.master != primary.id:
        return f"{one.name} is not a replica of {primary.name}"
    return "" if one.info.get("master_link_status") == "up" else f"{one.name} is not in sync with {primary.name}"

"""Which host a member gets: no two members of a group in one rack, racks and hosts evenly filled, what stands kept.

A slot goes to the rack with fewest members of its engine, there to the least loaded host. When every rack that is left
already holds a member of the slot's group, members placed in this run make room along an augmenting path, so a
placement is found whenever there is one (for slots of equal size).
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence

from greenfield.engines.descriptor import Slot
from greenfield.model.cluster import EngineSpec
from greenfield.plan.electorate import spread_electorates
from greenfield.plan.ledger import Ledger

Key = tuple[int, float, int, str]


class EnginePlacement:
    """Places one engine's slots on its pool's hosts and enters them in the ledger.

    Attributes:
        where: slot name to host.
        unplaced: slots for which no host is left in an allowed rack.
    """

    def __init__(
        self, engine: EngineSpec, hosts: Sequence[str], ledger: Ledger, quarantine: frozenset[str] = frozenset()
    ) -> None:
        self.engine = engine
        self.ledger = ledger
        self.slots: Mapping[str, Slot] = {slot.name: slot for slot in ledger.slots[engine.name]}
        self.hosts = hosts
        self.quarantine = quarantine
        site = ledger.site
        self.rack_of = {host: site.hosts[host].rack for host in hosts}
        self.rack_order = {rack: index for index, rack in enumerate(site.racks)}
        self.where: dict[str, str] = {}
        self.kept: dict[str, str] = {}
        self.unplaced: list[Slot] = []
        self.group_racks: dict[str, set[str]] = defaultdict(set)
        self.rack_count: Counter[str] = Counter()
        self.movable: dict[str, list[str]] = defaultdict(list)
        self.free: dict[str, list[str]] = {}
        self.keys: dict[str, Key] = {}
        self.turn: list[Key] = []
        self.cap = 0

    def keep(self, standing: Mapping[str, str]) -> None:
        """Enter what stands and is still allowed. To be called for every engine before any is placed."""
        taken: set[str] = set()
        for name, slot in self.slots.items():
            host = standing.get(name)
            if host is None or host not in self.rack_of or host in taken:
                continue
            if self.rack_of[host] not in self.group_racks[slot.group]:
                taken.add(host)
                self._enter(slot, host)
                self.ledger.of(host).add(self.engine.name, slot)
        self.kept = dict(self.where)

    def place(self) -> None:
        """Place what does not stand."""
        rest = [slot for slot in self.slots.values() if slot.name not in self.where]
        for strict in (True, False):
            # Without strictness only the groups' racks count; the ledger's check then names who clashes on which host.
            for level in (True, False):
                rest = self._pass(rest, strict, level) if rest else rest
        self.unplaced = rest
        self.where.update(spread_electorates(self.slots, self.where, self.rack_of, self.kept))
        for name, host in self.where.items():
            if name not in self.kept:
                self.ledger.of(host).add(self.engine.name, self.slots[name])

    def _pass(self, slots: Sequence[Slot], strict: bool, level: bool) -> list[Slot]:
        """Place what can be placed; returns the rest.

        Args:
            level: fill racks no higher than an even spread needs, and stop at the first slot that this leaves out.
        """
        self._open(strict)
        self.cap = self._even(len(slots)) if level else len(self.slots)
        hopeless: set[tuple[int, int, str]] = set()
        rest: list[Slot] = []
        for index, slot in enumerate(slots):
            size = (slot.memory_bytes, slot.disk_bytes, slot.disk)
            if size not in hopeless and self._place(slot, strict):
                continue
            rest.append(slot)
            if level:
                return [*rest, *slots[index + 1 :]]
            if not any(self._free_host(rack, slot, strict) for rack in self.free):
                hopeless.add(size)
        return rest

    def _even(self, wanted: int) -> int:
        """The least number of members per rack at which the racks' free hosts take ``wanted`` more."""
        room = sum(len(hosts) for hosts in self.free.values())
        low, high = 0, len(self.slots)
        while low < high:
            middle = (low + high) // 2
            taken = sum(min(len(hosts), max(0, middle - self.rack_count[rack])) for rack, hosts in self.free.items())
            low, high = (low, middle) if taken >= min(wanted, room) else (middle + 1, high)
        return low

    def _enter(self, slot: Slot, host: str) -> None:
        rack = self.rack_of[host]
        self.where[slot.name] = host
        self.group_racks[slot.group].add(rack)
        self.rack_count[rack] += 1

    def _open(self, strict: bool) -> None:
        """List each rack's free hosts, best first."""
        used = set(self.where.values())
        ranked: dict[str, list[tuple[bool, float, int, str]]] = defaultdict(list)
        for order, host in enumerate(self.hosts):
            if host not in used and (not strict or self.ledger.welcomes(host, self.engine)):
                rank = (host in self.quarantine, self.ledger.of(host).load, order, host)
                ranked[self.rack_of[host]].append(rank)
        self.free = {rack: [entry[3] for entry in sorted(entries)] for rack, entries in ranked.items()}
        self.turn = []
        for rack in self.free:
            self._requeue(rack)

    def _requeue(self, rack: str) -> None:
        if self.free.get(rack):
            key = (self.rack_count[rack], self.ledger.of(self.free[rack][0]).load, self.rack_order[rack], rack)
            self.keys[rack] = key
            heapq.heappush(self.turn, key)
        else:
            self.keys.pop(rack, None)

    def _place(self, slot: Slot, strict: bool) -> bool:
        if slot.electorate and self.group_racks[slot.group]:
            return self._place_seat(slot, strict)
        passed: list[Key] = []
        host = None
        while self.turn:
            key = heapq.heappop(self.turn)
            rack = key[3]
            if self.keys.get(rack) != key:
                continue
            host = None if rack in self.group_racks[slot.group] else self._free_host(rack, slot, strict)
            if host is not None:
                break
            passed.append(key)
        for key in passed:
            heapq.heappush(self.turn, key)
        if host is None:
            return self._make_room(slot, strict)
        self._settle(slot, host)
        return True

    def _place_seat(self, slot: Slot, strict: bool) -> bool:
        """Place an elector whose group stands: it can't trade places later, so it goes where fewest electors are."""
        seats = Counter(
            self.rack_of[host] for name, host in self.where.items() if self.slots[name].electorate == slot.electorate
        )
        open_racks = [rack for rack in self.keys if rack not in self.group_racks[slot.group]]
        for rack in sorted(open_racks, key=lambda rack: (seats[rack], self.keys[rack])):
            host = self._free_host(rack, slot, strict)
            if host is not None:
                self._settle(slot, host)
                return True
        return self._make_room(slot, strict)

    def _free_host(self, rack: str, slot: Slot, strict: bool) -> str | None:
        hosts = self.free.get(rack, ()) if self.rack_count[rack] < self.cap else ()
        return next((host for host in hosts if not strict or self.ledger.of(host).fits(slot)), None)

    def _settle(self, slot: Slot, host: str) -> None:
        rack = self.rack_of[host]
        self.free[rack].remove(host)
        self._enter(slot, host)
        self.movable[rack].append(slot.name)
        self._requeue(rack)

    def _make_room(self, slot: Slot, strict: bool) -> bool:
        """Find a rack for the slot by moving members of this run: the shortest augmenting path over racks."""
        enters: dict[str, Slot] = {}
        came_from: dict[str, str] = {}
        queue: deque[str] = deque()
        unseen = list(self.rack_order)

        def reach(mover: Slot, origin: str) -> None:
            banned = self.group_racks[mover.group]
            for rack in [rack for rack in unseen if rack not in banned and rack != origin]:
                enters[rack] = mover
                came_from[rack] = origin
                queue.append(rack)
            unseen[:] = [rack for rack in unseen if rack not in enters]

        reach(slot, "")
        while queue:
            rack = queue.popleft()
            host = self._free_host(rack, enters[rack], strict)
            if host is not None:
                self._shift(rack, host, enters, came_from)
                return True
            for name in reversed(self.movable[rack]):
                if unseen and (not strict or self._suits(self.where[name], enters[rack])):
                    reach(self.slots[name], rack)
        return False

    def _shift(self, rack: str, host: str, enters: Mapping[str, Slot], came_from: Mapping[str, str]) -> None:
        """Walk the path back: each mover takes the place that the one after it has left."""
        self.free[rack].remove(host)
        touched = {rack}
        while True:
            mover, origin = enters[rack], came_from[rack]
            left = self.where.get(mover.name)
            if origin:
                self.group_racks[mover.group].discard(origin)
                self.rack_count[origin] -= 1
                self.movable[origin].remove(mover.name)
            self._enter(mover, host)
            self.movable[rack].append(mover.name)
            if not origin or left is None:
                break
            rack, host = origin, left
            touched.add(rack)
        for each in touched:
            self._requeue(each)

    def _suits(self, host: str, slot: Slot) -> bool:
        return self.ledger.of(host).fits(slot) and self.ledger.welcomes(host, self.engine)

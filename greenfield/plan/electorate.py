"""Spreads an electorate (the primaries of all shards) over racks, so that no rack takes a majority of it along.

Members of one group may trade places, as they are of one size and stay in different racks. A seat moves along a path
of such trades from a rack with many seats to one with at least two fewer; when no path is left, no trade can lower the
fullest rack further.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping

from greenfield.engines.descriptor import Slot


def spread_electorates(
    slots: Mapping[str, Slot], where: Mapping[str, str], rack_of: Mapping[str, str], standing: Mapping[str, str]
) -> dict[str, str]:
    """Slot name to host after the trades; members that stand (same host in ``standing``) keep their host."""
    placed = dict(where)
    for body in sorted({slot.electorate for slot in slots.values() if slot.electorate}):
        electorate = _Electorate(body, slots, placed, rack_of)
        electorate.find_partners(standing)
        while electorate.move_one():
            pass
    return placed


class _Electorate:
    """The seats of one electorate: how many each rack has, and whom each seat may trade places with."""

    def __init__(
        self, body: str, slots: Mapping[str, Slot], placed: dict[str, str], rack_of: Mapping[str, str]
    ) -> None:
        self.slots = slots
        self.placed = placed
        self.rack_of = rack_of
        self.seats = [name for name in placed if slots[name].electorate == body]
        self.count = Counter(self._rack(name) for name in self.seats)
        self.partners: dict[str, list[str]] = {}

    def _rack(self, name: str) -> str:
        return self.rack_of[self.placed[name]]

    def find_partners(self, standing: Mapping[str, str]) -> None:
        """Members of one group and size may trade, unless they stand."""
        loose = {name for name, host in self.placed.items() if standing.get(name) != host}
        by_group: dict[str, list[Slot]] = defaultdict(list)
        for name in self.placed:
            if name in loose and not self.slots[name].electorate:
                by_group[self.slots[name].group].append(self.slots[name])
        for seat in self.seats:
            if seat in loose:
                mine = self.slots[seat]
                size = (mine.memory_bytes, mine.disk_bytes, mine.disk)
                self.partners[seat] = [
                    other.name
                    for other in by_group[mine.group]
                    if (other.memory_bytes, other.disk_bytes, other.disk) == size
                ]

    def move_one(self) -> bool:
        """Carry one seat from the fullest rack that can give one towards a rack with at least two fewer."""
        by_rack: dict[str, list[str]] = defaultdict(list)
        for seat in self.partners:
            by_rack[self._rack(seat)].append(seat)
        for start in sorted(by_rack, key=lambda rack: (-self.count[rack], rack)):
            trades = self._path(start, by_rack)
            for seat, other in trades:
                self.count[self._rack(seat)] -= 1
                self.count[self._rack(other)] += 1
                self.placed[seat], self.placed[other] = self.placed[other], self.placed[seat]
            if trades:
                return True
        return False

    def _path(self, start: str, by_rack: Mapping[str, list[str]]) -> list[tuple[str, str]]:
        """Trades along the shortest path from ``start`` to a rack with at least two fewer seats; empty when none is."""
        reached: dict[str, tuple[str, str] | None] = {start: None}
        queue = deque([start])
        while queue:
            rack = queue.popleft()
            if self.count[rack] <= self.count[start] - 2:
                trades: list[tuple[str, str]] = []
                step = reached[rack]
                while step is not None:
                    trades.append(step)
                    step = reached[self._rack(step[0])]
                return trades
            for seat in by_rack.get(rack, ()):
                for other in self.partners[seat]:
                    target = self._rack(other)
                    if target not in reached:
                        reached[target] = (seat, other)
                        queue.append(target)
        return []

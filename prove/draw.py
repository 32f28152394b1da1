"""What ``make test`` proves beyond its fixed part, within its time: first what changed, then what is oldest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from prove.event import Event
from prove.record import STALE_DAYS, Record

UNKNOWN_SECONDS = 300.0
"""What an event is taken to cost where none was ever proved; else, one that was not costs as much as the median."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an event stands with its records.

    Attributes:
        changed: names of it whose digest is not that of their record, or that have no record.
        core: whether some record was made on another core.
        age_days: of its oldest record; infinite where one is missing.
        seconds: what it took last, without its seat's set-up.
    """

    event: Event
    changed: tuple[str, ...]
    core: bool
    age_days: float
    seconds: float

    @property
    def stale(self) -> bool:
        """Whether a record is older than two weeks."""
        return self.age_days > STALE_DAYS


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn, and what was left out for want of time; ``seconds`` is what the drawn are expected to take."""

    events: tuple[Event, ...]
    left: tuple[Event, ...]
    seconds: float


def standing(
    event: Event, records: Mapping[str, Record], digests: Mapping[str, str], core: str, now: datetime
) -> Standing:
    """Compare an event with its records, which are those of all events. ``digests`` are today's, by KIND/EVENT."""
    usual = median([record.seconds for record in records.values()]) if records else UNKNOWN_SECONDS
    held = [records.get(name) for name in event.proves]
    there = [record for record in held if record is not None]
    return Standing(
        event,
        tuple(
            name
            for name, record in zip(event.proves, held, strict=True)
            if record is None or record.digest != digests[name]
        ),
        any(record.core != core for record in there),
        max((record.age_days(now) for record in there), default=float("inf"))
        if len(there) == len(held)
        else float("inf"),
        max((record.seconds for record in there), default=usual),
    )


def most_due(standings: Iterable[Standing], seed: str) -> list[Standing]:
    """In the order in which they are to be proved: changed, over two weeks old, then by day and the seed's lot."""

    def key(each: Standing) -> tuple[bool, bool, float, str]:
        # Records of one day count as one age: between them, the seed (the commit's tree) draws.
        age = each.age_days if each.age_days == float("inf") else float(int(each.age_days))
        lot = hashlib.sha256(f"{seed} {each.event.module}".encode()).hexdigest()
        return (not each.changed, not each.stale, -age, lot)

    return sorted(standings, key=key)


def draw(
    due: Iterable[Standing],
    seconds: float,
    standing_seats: Collection[str],
    cost: Callable[[float], float] = lambda usual: usual,
) -> Drawn:
    """Take events in the order given as long as they fit into the time.

    Args:
        standing_seats: folders of seats that are set up anyway; those of others cost their set-up, once.
        cost: what takes so long on this machine today, from what it took when it was recorded.
    """
    up = set(standing_seats)
    taken: list[Event] = []
    left: list[Event] = []
    spent = 0.0
    for each in due:
        seat = each.event.seat
        wanted = cost(each.seconds + (0 if seat.folder in up else seat.setup_seconds))
        if spent + wanted <= seconds:
            taken.append(each.event)
            spent += wanted
            up.add(seat.folder)
        else:
            left.append(each.event)
    return Drawn(tuple(taken), tuple(left), spent)

"""``make prove``: every event, or those that are named, or what is most due; can be interrupted and goes on."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from prove import room, spent, support
from prove.book import Book, tree
from prove.draw import draw, most_due
from prove.event import Event, ProveError, choose
from prove.execution import Execution, Say, stamped
from prove.place import alone, labs_down
from prove.session import Outcome, Plan, again
from prove.speed import slowness
from prove.tools import build_for

SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)")
UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be proved.

    Attributes:
        names: KIND, KIND/EVENT, seats or modules; empty for all that is not proved on this very tree.
        stale: in the order of what is most due.
        seconds: so long at the most; 0 without an end.
        times: how often each; a repeated one passes only if it passed every time.
        again: also what is proved on this tree.
        go_on: take a failure's lab down and go on, instead of leaving it for a look.
        meter: also say where the processor seconds went.
    """

    names: tuple[str, ...] = ()
    stale: bool = False
    seconds: float = 0.0
    times: int = 1
    again: bool = False
    go_on: bool = False
    meter: bool = False


def span(text: str) -> float:
    """Seconds of ``90s``, ``60m`` or ``2h``.

    Raises:
        ProveError: it is none of these.
    """
    found = SPAN.fullmatch(text)
    if found is None:
        raise ProveError(f"{text!r} is no time", fix="write 90s, 60m or 2h")
    return float(found[1]) * UNITS[found[2]]


def run(wish: Wish) -> int:
    """Prove what is wished; the exit code.

    Raises:
        ProveError: nothing is called so, or the run can't begin.
    """
    say = stamped(time.monotonic())
    with alone():
        book = Book()
        slow = slowness()
        events = _chosen(book, wish, slow, say)
        if not events:
            say("all of it is proved on this tree (AGAIN=1 proves it again)")
            return 0
        if not labs_down():
            raise ProveError("a lab of an earlier run can't be taken down", fix="see above")
        _look(events)
        build_for(events)
        kept = ""
        try:
            good, kept = _prove(book, events, wish, slow, say)
        finally:
            support.write()
            if not kept and not labs_down():
                good = False
        return 0 if good else 1


def _chosen(book: Book, wish: Wish, slow: float, say: Say) -> list[Event]:
    events = choose(book.events, wish.names)
    standings = {each.event.module: each for each in book.standings(events)}
    if not (wish.names or wish.again or wish.stale):
        done = [e for e in events if not standings[e.module].changed and not standings[e.module].core]
        if done:
            say(f"{len(done)} of {len(events)} are proved on this tree already (AGAIN=1 proves them again)")
        events = [event for event in events if event not in done]
    if wish.stale or wish.seconds:
        due = most_due([standings[event.module] for event in events], tree())
        drawn = draw(due, wish.seconds or float("inf"), (), lambda usual: usual * slow)
        if drawn.left:
            say(f"no time for: {', '.join(event.name for event in drawn.left)}")
        events = [event for event in events if event in drawn.events]
    return events


def _look(events: Sequence[Event]) -> None:
    """Whether the machine has what the largest of the seats needs."""
    memory = max(event.seat.memory_gib for event in events) + 2
    wants = room.missing(room.now(), memory_gib=memory, inotify=max(event.seat.inotify for event in events))
    if wants:
        raise ProveError("; ".join(wants), fix="make room, and run it again")


def _prove(book: Book, events: Sequence[Event], wish: Wish, slow: float, say: Say) -> tuple[bool, str]:
    """Whether all passed, each time; and the module at whose failure the lab was left standing."""
    costs = {name: cost * slow for name, cost in book.expected(events).items()}
    minutes = sum(costs.values()) * wish.times / 60
    say(f"{len(events)} events, about {minutes:.0f} min; Ctrl-C ends it; the same again goes on")
    plan = Plan(expected=costs, slowness=slow, meter=wish.meter, keep=not wish.go_on, stop_first=not wish.go_on)
    passed = dict.fromkeys((event.module for event in events), 0)
    bad: set[str] = set()
    watch = room.Watch()
    kept = ""
    try:
        for turn in range(wish.times):
            if wish.times > 1:
                say(f"time {turn + 1} of {wish.times}")
            execution = Execution(events, plan, say, costs, partial(_keep, book, events, passed, bad))
            execution.run()
            if wish.meter:
                say(f"where the time went, by test and by event:\n{spent.table(execution.outcomes.values())}")
            kept = execution.kept
            if kept:
                break
    finally:
        watch.stop()
    good = all(count == wish.times for count in passed.values())
    _tell(events, passed, wish, say)
    if watch.shortage():
        say(f"NOTE: {watch.shortage()}")
    if kept:
        failed = execution.outcomes[kept].failed[0]
        say(f"the lab of this failure stands. To run that test again on it: {again_words(events, kept, failed)}")
        say("to take it down: make prove DOWN=1")
    return good, kept


def _keep(book: Book, events: Sequence[Event], passed: dict[str, int], bad: set[str], outcome: Outcome) -> None:
    """At once, so that a run that is killed has lost no more than the event that it was at.

    What passes only sometimes is not proved: ``bad`` are modules that failed in this run before.
    """
    event = next((event for event in events if event.module == outcome.module), None)
    if event is not None:
        if outcome.failed:
            bad.add(event.module)
        if outcome.failed or event.module not in bad:
            book.keep(event, outcome)
        if outcome.failed and passed[event.module]:
            for name in event.proves:
                book.records.void(name)
        passed[event.module] += outcome.good
        support.write()


def again_words(events: Sequence[Event], module: str, test: str) -> str:
    """The line for a failure's test, with the folder that its lab lies in."""
    event = next(event for event in events if event.module == module)
    return f"GREENFIELD_LAB_DIR=/var/lib/greenfield/labs-of-tests {again(event, test.split(' ', maxsplit=1)[0])}"


def _tell(events: Sequence[Event], passed: dict[str, int], wish: Wish, say: Say) -> None:
    for event in events:
        count = passed[event.module]
        if count < wish.times:
            say(f"NOT PROVED: {event.name} ({count} of {wish.times} passed): make prove {event.name}")
    whole = sum(count == wish.times for count in passed.values())
    say(f"{whole} passed, {len(events) - whole} failed")

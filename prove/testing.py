"""``make test``: the fixed part, and what is drawn beyond it, within a time that does not grow with the engines."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from prove import room, support
from prove.aside import plain_modules
from prove.book import Book, tree
from prove.draw import Drawn, Standing, draw, most_due
from prove.event import Event, ProveError
from prove.execution import Execution, Say, stamped, total
from prove.place import alone, labs_down
from prove.session import Outcome, Plan
from prove.speed import slowness
from prove.tools import build_for

DRAWN_SECONDS = 15 * 60
"""The drawn part may take so long."""

LAST_SECONDS = 75 * 60
"""No drawn event ends later, counted from the beginning of set-up; taking the labs down takes a minute or two then."""

BEGAN = "GREENFIELD_BEGAN"
"""Seconds since the epoch at which set-up began, where something else than this program did it."""


class Submission:
    """One run of ``make test``."""

    def __init__(self, say: Say, began: float) -> None:
        self.say, self.began = say, began
        self.book = Book()
        self.slow = slowness()
        self.fixed = [event for event in self.book.events if event.fixed]
        self.flakes: list[Event] = []
        self.last = ""

    def drawn(self) -> tuple[Drawn, list[Standing]]:
        """What is drawn now, and how everything that could be drawn stands."""
        others = [event for event in self.book.events if not event.fixed and event.seat.drawn]
        due = most_due(self.book.standings(others), tree())
        seats = {event.seat.folder for event in self.fixed}
        fixed_seconds = sum(self.book.expected(self.fixed).values()) * self.slow
        left = self.began + LAST_SECONDS - time.time() - fixed_seconds
        return draw(due, min(DRAWN_SECONDS, left), seats, lambda usual: usual * self.slow), due

    def run(self) -> int:
        """Everything; the exit code."""
        drawn, due = self.drawn()
        self._tell(drawn, due)
        events = [*self.fixed, *drawn.events]
        build_for(events)
        plan = Plan(
            until={event.module: self.began + LAST_SECONDS for event in drawn.events},
            expected={name: cost * self.slow for name, cost in self.book.expected(events).items()},
            slowness=self.slow,
        )
        execution = Execution(events, plan, self.say, plan.expected, self._keep)
        watch = room.Watch()
        try:
            execution.run(plain_modules(), lint=True)
            repeated = self._once_more(execution, drawn, due, plan)
        finally:
            watch.stop()
        outcomes = {**execution.outcomes, **repeated}
        support.write()
        unproved = self._unproved(due, outcomes)
        return self._judge(outcomes, execution.lint_failed, unproved, watch.shortage())

    def _tell(self, drawn: Drawn, due: Sequence[Standing]) -> None:
        self.say(f"this machine is {self.slow:.2f} times as slow as usual; patience is a multiple of that")
        self.say(f"fixed part: {', '.join(event.name for event in self.fixed)}")
        self.say(f"drawn, about {drawn.seconds / 60:.0f} min: {', '.join(e.name for e in drawn.events) or 'nothing'}")
        self.say(f"left out: {', '.join(event.name for event in drawn.left) or 'nothing'}")
        for each in due:
            if each.stale:
                age = "never" if each.age_days == float("inf") else f"{each.age_days:.0f} days ago"
                self.say(f"  last proved {age}: {each.event.name}")
        for name in self._changed_left(due, drawn):
            self.say(f"  changed and not drawn, so this run will fail: {name}")

    @staticmethod
    def _changed_left(due: Sequence[Standing], drawn: Drawn) -> list[str]:
        return [each.event.name for each in due if each.changed and each.event in drawn.left]

    def _once_more(self, execution: Execution, drawn: Drawn, due: Sequence[Standing], plan: Plan) -> dict[str, Outcome]:
        """A drawn event that this commit didn't touch and that failed has a second chance; then it is a flake, told."""
        touched = {each.event.module for each in due if each.changed}
        bad = [
            event
            for event in drawn.events
            if event.module not in touched and (found := execution.outcomes.get(event.module)) and found.failed
        ]
        if not bad:
            return {}
        for event in bad:
            self.say(f"once more, as this commit did not touch it: {event.name}")
        repeated = Execution(bad, plan, self.say, plan.expected)
        repeated.run()
        for event in bad:
            if (found := repeated.outcomes.get(event.module)) and found.good:
                self.flakes.append(event)
                for name in event.proves:
                    self.book.records.void(name)
        # One for which no time was left stays failed.
        return {module: outcome for module, outcome in repeated.outcomes.items() if not outcome.left}

    def _keep(self, outcome: Outcome) -> None:
        """At once, so that a run that is cut off has lost no more than the event that it was at."""
        for event in self.book.events:
            if event.module == outcome.module:
                self.book.keep(event, outcome)
        # At once too: a unit test that runs beside holds the page to the records.
        support.write()

    def _unproved(self, due: Sequence[Standing], outcomes: dict[str, Outcome]) -> list[str]:
        """Changed events, of those that could be drawn, that were neither proved before nor ran now."""
        return [
            name
            for each in due
            if each.changed and (each.event.module not in outcomes or outcomes[each.event.module].left)
            for name in each.changed[:1]
        ]

    def _judge(self, outcomes: dict[str, Outcome], lint: bool, unproved: list[str], shortage: str) -> int:
        passed, failed = total(list(outcomes.values()))
        wanted = [*(event.module for event in self.fixed), *plain_modules()]
        for name in wanted:
            if not any(module.startswith(name) for module in outcomes):
                failed += 1
                self.say(f"FAILED: {name} did not run")
        for outcome in outcomes.values():
            if outcome.failed:
                self.say(f"FAILED: {' '.join(outcome.failed)}\n        {again_line(outcome)}")
        for event in self.flakes:
            self.say(f"FLAKE: {event.name} passed at the second try; its record is void: make prove {event.name}")
        if shortage:
            self.say(f"NOTE: {shortage}")
        if lint:
            failed += 1
            self.say("FAILED: lint")
        if unproved:
            failed += 1
            self.say(f"FAILED: changed, neither proved nor drawn: {' '.join(unproved)}")
            self.say(f"        prove them, and commit proofs/ and docs/support.md: make prove {' '.join(unproved)}")
        self.say(f"whole run, set-up included: {(time.time() - self.began) / 60:.1f} min")
        words = f"{passed} passed" if not failed else f"{failed} failed, {passed} passed"
        self.last = f" {words} in {time.time() - self.began:.2f}s "
        return 1 if failed or not passed else 0


def again_line(outcome: Outcome) -> str:
    """What to type to see it again."""
    if outcome.module.startswith(plain_prefixes()):
        return f".venv/bin/python -m pytest -p no:cacheprovider {outcome.failed[0].split(' ')[0]}"
    return f"make prove {outcome.module}"


def plain_prefixes() -> tuple[str, ...]:
    """Where tests that are no events lie."""
    return tuple(plain_modules())


def run() -> int:
    """``make test`` from its beginning.

    Raises:
        ProveError: it can't begin.
    """
    began = float(os.environ.get(BEGAN) or time.time())
    say = stamped(time.monotonic() - (time.time() - began))
    with alone():
        clean = labs_down()  # Of a run that was killed.
        wants = room.missing(room.now(), memory_gib=9, inotify=110)
        if wants or not clean:
            raise ProveError(
                "; ".join(wants) or "a lab of an earlier run can't be taken down", fix="make room, and again"
            )
        submission = Submission(say, began)
        try:
            code = submission.run()
        finally:
            clean = labs_down()
        # The last line is a runner's closing line, as CI reads it.
        print(f"\n{submission.last:=^100}", flush=True)
        return code if clean else 1

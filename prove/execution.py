"""Runs chosen events seat by seat, with progress; what needs no lab goes beside the seats that don't mind."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from prove import REPO
from prove.aside import Aside
from prove.event import Event, Seat, by_seat
from prove.place import labs_down
from prove.record import in_a_line
from prove.session import E2E, Outcome, Plan, Session

LOGS = REPO / "build" / "prove"

Say = Callable[[str], None]


class Execution:
    """One run of many sessions.

    Attributes:
        outcomes: by module, of what ended so far.
        lint_failed: whether lint, where it was asked for, found something.
        kept: the module at whose failure the run ended with its lab left standing; empty otherwise.
    """

    def __init__(
        self,
        events: Iterable[Event],
        plan: Plan,
        say: Say,
        costs: Mapping[str, float],
        ended: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        """Nothing runs yet.

        Args:
            costs: seconds that each module is expected to take here, for the time that is left.
            ended: called with what became of a module as soon as that is known.
        """
        self._ended = ended
        self.outcomes: dict[str, Outcome] = {}
        self.lint_failed = False
        self.kept = ""
        self._seats = by_seat(events)
        self._plan, self._say, self._costs = plan, say, costs
        self._aside: Aside | None = None
        self._session: Session | None = None
        self._waiting = {event.module for each in self._seats.values() for event in each}
        self._all = len(self._waiting)
        LOGS.mkdir(parents=True, exist_ok=True)

    def run(self, plain: Sequence[str] = (), *, lint: bool = False) -> None:
        """Run everything; ``plain`` are tests that are no events."""
        beside = [self._modules(seat) for seat in self._folders(lambda seat: seat.beside)]
        if lint or plain or beside:
            self._begin_aside([list(plain), *beside], lint)
        try:
            for folder in self._folders(lambda seat: not seat.beside and not seat.alone):
                self._seat(folder)
            for folder in self._folders(lambda seat: not seat.beside and seat.alone):
                self._join()
                self._seat(folder)
            self._join()
        except BaseException:
            self.end()
            raise

    def _begin_aside(self, sessions: list[list[str]], lint: bool) -> None:
        plan = replace(self._plan, keep=False, stop_first=False, labs=False)
        self._aside = Aside(sessions, plan, LOGS / "aside.log", lint=lint)
        told = " ".join([*(["lint"] if lint else []), *(module for each in sessions for module in each)])
        self._say(f"beside the rest: {told} (tail -f {_short(self._aside.output)})")

    def end(self) -> None:
        """Interrupt whatever runs."""
        if self._session is not None and self._session.running():
            self._session.interrupt()
            self.outcomes.update(self._session.outcomes())
        if self._aside is not None:
            self._aside.end()

    def _folders(self, fits: Callable[[Seat], bool]) -> list[str]:
        return [folder for folder, events in self._seats.items() if fits(events[0].seat)]

    def _modules(self, folder: str) -> list[str]:
        return [event.module for event in self._seats[folder]]

    def _seat(self, folder: str) -> None:
        if self.kept:
            return
        log = LOGS / f"{folder.removeprefix('tests/').replace('/', '-')}.log"
        log.write_bytes(b"")
        self._say(f"{folder}: {len(self._modules(folder))} events (tail -f {_short(log)})")
        self._session = Session(self._modules(folder), self._plan, log)
        shown: set[str] = set()
        while not self._session.wait(1):
            # Both of one reading: a module whose last line is not there yet must not pass for one that has ended.
            lines = self._session.lines()
            begun = [line["begun"] for line in lines if "begun" in line]
            self._show(self._session.outcomes(lines), shown, begun[-1] if begun else "")
        found = self._session.outcomes()
        self._show(found, shown, "")
        self.outcomes.update(found)
        self._session.close()
        if any(not outcome.good and not outcome.left for outcome in found.values()):
            self._say(f"--- {folder}: what pytest said\n{_end_of(log)}")
            if self._plan.keep:
                self.kept = next(module for module, outcome in found.items() if outcome.failed)
        elif self._plan.keep and not folder.startswith(E2E):
            # What left its lab to us. It would take along what runs beside, so that ends first.
            self._join()
            labs_down()

    def _show(self, found: Mapping[str, Outcome], shown: set[str], current: str) -> None:
        for module, outcome in found.items():
            if module in shown or module == current:
                continue
            shown.add(module)
            self._waiting.discard(module)
            left = sum(self._costs.get(each, 0.0) for each in self._waiting)
            word = "left out, no time" if outcome.left else "passed" if outcome.good else "FAILED"
            figures = in_a_line(outcome.figures)
            why = f"\n{outcome.why}" if outcome.why else ""
            done = self._all - len(self._waiting)
            self._ended(outcome)
            self._say(
                f"{done}/{self._all} {module}: {word}, {outcome.seconds:.0f} s"
                f"{f' ({figures})' if figures else ''}; about {left / 60:.0f} min left{why}"
            )

    def _join(self) -> None:
        if self._aside is None:
            return
        aside, self._aside = self._aside, None
        try:
            aside.join()
        except BaseException:
            aside.end()
            raise
        self.outcomes.update(aside.outcomes)
        for outcome in aside.outcomes.values():
            self._ended(outcome)
        self.lint_failed = aside.lint_failed
        self._waiting -= set(aside.outcomes)
        self._say(f"what ran beside has ended after {aside.seconds:.0f} s\n{aside.output.read_text(errors='replace')}")


def total(outcomes: Collection[Outcome]) -> tuple[int, int]:
    """Tests that passed and tests that failed."""
    return sum(len(each.passed) for each in outcomes), sum(len(each.failed) for each in outcomes)


def stamped(began: float) -> Say:
    """Lines with the seconds since a moment of the monotonic clock."""

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True)

    return say


def _short(path: Path) -> str:
    return str(path.relative_to(REPO))


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-12_000:]

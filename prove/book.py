"""What is known of every event before a run, and what is kept of it afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from prove import REPO
from prove.digest import core_digest, event_digest
from prove.draw import Standing, standing
from prove.event import Event, discover
from prove.record import Record, Records
from prove.session import Outcome


class Book:
    """Events, their digests of today, and their records."""

    def __init__(self) -> None:
        self.events = discover()
        self.records = Records()
        self.core = core_digest()
        self.digests = {name: event_digest(event, name) for event in self.events for name in event.proves}
        self.now = datetime.now(UTC)
        # All of this is of the moment in which a run begins: what is edited meanwhile is not what it ran on.
        self.commit = commit()

    def standings(self, events: Iterable[Event]) -> list[Standing]:
        """How events stand with their records."""
        held = self.records.all()
        return [standing(event, held, self.digests, self.core, self.now) for event in events]

    def keep(self, event: Event, outcome: Outcome) -> None:
        """Write the records of an event that passed; count it against those of one that failed."""
        for name in event.proves:
            if outcome.good:
                self.records.write(name, self._record(event, name, outcome))
            elif outcome.failed:
                self.records.failed(name)

    def expected(self, events: Iterable[Event]) -> dict[str, float]:
        """Seconds that each module takes, with its seat's set-up counted to the seat's first."""
        costs: dict[str, float] = {}
        seats: set[str] = set()
        for each in self.standings(events):
            seat = each.event.seat
            costs[each.event.module] = each.seconds + (0 if seat.folder in seats else seat.setup_seconds)
            seats.add(seat.folder)
        return costs

    def _record(self, event: Event, name: str, outcome: Outcome) -> Record:
        kind = name.split("/", maxsplit=1)[0]
        engines: Mapping[str, str] = event.seat.engines
        return Record(
            digest=self.digests[name],
            core=self.core,
            commit=self.commit,
            date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            seconds=round(max(0.0, outcome.seconds - outcome.setup_seconds), 1),
            figures=outcome.figures,
            versions={kind: engines[kind]} if kind in engines else dict(engines),
            tests=len(outcome.passed),
        )


def commit() -> str:
    """Short name of the commit, with ``+`` where the checkout differs from it (records apart)."""
    name = _git("rev-parse", "--short", "HEAD") or "unknown"
    changed = _git("status", "--porcelain", "--", ".", ":!proofs", ":!docs/support.md")
    return f"{name}+" if changed else name


def tree() -> str:
    """The commit's tree, which the draw is seeded with."""
    return _git("rev-parse", "HEAD^{tree}") or "no tree"


def changed_files(base: str) -> list[str]:
    """Files that differ from a commit, those that git does not know yet among them."""
    known = _git("diff", "--name-only", base).splitlines()
    return sorted({*known, *_git("ls-files", "--others", "--exclude-standard").splitlines()})


def _git(*words: str) -> str:
    command = ["git", "-C", str(REPO), "-c", "safe.directory=*", *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""

"""Records of what was proved: ``proofs/KIND/EVENT.json``, written by the runner alone, and only for what passed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prove import REPO
from prove.event import ProveError

FOLDER = REPO / "proofs"
STALE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Record:
    """One KIND/EVENT that passed.

    Attributes:
        digest: of what reached hosts or judged them then.
        core: digest of the library that it ran on.
        commit: short name of the commit; with ``+`` where the checkout had changes that were not committed.
        date: UTC, ``2026-11-30T10:00:00Z``.
        seconds: wall time of the event, without its seat's set-up.
        failed_tries: how often it had failed since the record before.
        figures: what it measured (gaps, losses), by name with a unit.
        versions: of the engines that stood there.
        tests: how many passed.
    """

    digest: str
    core: str
    commit: str
    date: str
    seconds: float
    failed_tries: int = 0
    figures: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    tests: int = 0

    @property
    def when(self) -> datetime:
        """The moment it passed."""
        return datetime.strptime(self.date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)

    def age_days(self, now: datetime) -> float:
        """Days since then."""
        return (now - self.when).total_seconds() / 86400


SHOWN = ("gap", "lost", "failed", "failover", "restore_seconds", "deliver_seconds", "goal")
"""Words of the figures that a reader of one line wants; the record has all of them."""


def in_a_line(figures: Mapping[str, Any]) -> str:
    """Gaps, losses and the like in one line, numbers to three digits."""
    told = [name for name in sorted(figures) if any(word in f"{name} {figures[name]}" for word in SHOWN)]
    return ", ".join(f"{name.replace('_', ' ')} {_number(figures[name])}" for name in told)


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


class Records:
    """The records of a checkout."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._failures = folder.parent / "build" / "prove" / "failures.json"

    def get(self, name: str) -> Record | None:
        """The record of a KIND/EVENT, or None.

        Raises:
            ProveError: it can't be read.
        """
        file = self._file(name)
        if not file.exists():
            return None
        try:
            return Record(**json.loads(file.read_text()))
        except (ValueError, TypeError) as error:
            raise ProveError(f"{file}: not a record: {error}", fix=f"remove it, and: make prove {name}") from error

    def all(self) -> dict[str, Record]:
        """Every record by KIND/EVENT."""
        names = sorted(f"{path.parent.name}/{path.stem}" for path in self.folder.glob("*/*.json"))
        found = ((name, self.get(name)) for name in names)
        return {name: record for name, record in found if record is not None}

    def write(self, name: str, record: Record) -> None:
        """Keep that it passed; counts and forgets the failed tries before."""
        failures = self._failed()
        told = {**asdict(record), "failed_tries": failures.pop(name, 0)}
        file = self._file(name)
        write_whole(file, json.dumps(told, indent=1, sort_keys=True) + "\n")
        self._keep(failures)

    def failed(self, name: str) -> None:
        """Count a try that failed: it stands in the next record."""
        failures = self._failed()
        self._keep({**failures, name: failures.get(name, 0) + 1})

    def void(self, name: str) -> None:
        """A flake: what passes the second time only is not proved."""
        self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _failed(self) -> dict[str, int]:
        return dict(json.loads(self._failures.read_text())) if self._failures.exists() else {}

    def _keep(self, failures: Mapping[str, int]) -> None:
        write_whole(self._failures, json.dumps(failures))


def write_whole(file: Path, text: str) -> None:
    """Write a file that is never seen half written, also when the run is killed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.new")
    aside.write_text(text)
    aside.replace(file)

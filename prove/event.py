"""Events: test modules that prove something of a kind's life on hosts, and the seats that they run on.

A module under ``tests/`` is an event when it says so in constants that are read without importing it::

    PROVES = ("etcd/lose", "host/lose")   # KIND/EVENT, one record each
    ORDER = 40                            # place in its seat's session
    FIXED = True                          # part of every ``make test``

Its folder is the seat: one lab, or none, on which any choice of its events runs in this order. What the seat needs
stands in ``SEAT`` of the folder's conftest.py.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prove import REPO

NAME = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*")


class ProveError(Exception):
    """Nothing could be run or judged; the message says why, ``fix`` what to do."""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Seat:
    """Where events run.

    Attributes:
        folder: of its modules, below the checkout.
        engines: kinds and versions that stand on it; what docs/support.md says was proved.
        alone: whether what is measured needs the machine for itself.
        beside: whether it runs on one core beside seats with labs (it has none, or a small one).
        drawn: whether ``make test`` may draw its events; else only ``make prove`` runs them.
        memory_gib, inotify: what its hosts take of the machine.
        setup_seconds: until its first event can begin, on a machine of the usual speed with warm caches.
        tools: pinned builds that it needs beyond those of every set-up.
        reads: folders of the checkout, beside ``tests/``, that its events deliver or judge.
    """

    folder: str
    engines: Mapping[str, str] = field(default_factory=dict)
    alone: bool = False
    beside: bool = False
    drawn: bool = True
    memory_gib: float = 1
    inotify: int = 0
    setup_seconds: float = 0
    tools: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One test module: what it proves, where, and whether every ``make test`` runs it."""

    module: str
    proves: tuple[str, ...]
    seat: Seat
    order: int = 50
    fixed: bool = False

    @property
    def name(self) -> str:
        """The first KIND/EVENT that it proves; others may prove one of the same name elsewhere."""
        return self.proves[0]


def discover(root: Path = REPO) -> list[Event]:
    """Every event below ``tests/``, by seat and order.

    Raises:
        ProveError: a constant is missing its form, or two modules of one seat prove the same.
    """
    found = []
    seats: dict[Path, Seat] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        said = _constants(path, "PROVES", "ORDER", "FIXED")
        if "PROVES" not in said:
            continue
        where = path.relative_to(root).as_posix()
        if path.parent not in seats:
            seats[path.parent] = _seat(path.parent, root)
        names = said["PROVES"]
        if not isinstance(names, tuple) or not names or not all(NAME.fullmatch(str(name)) for name in names):
            raise ProveError(f"{where}: PROVES is {names!r}", fix='write a tuple of names, PROVES = ("etcd/lose",)')
        found.append(Event(where, names, seats[path.parent], said.get("ORDER", 50), said.get("FIXED", False)))
    _unique(found)
    return sorted(found, key=lambda event: (event.seat.folder, event.order, event.module))


def choose(events: Sequence[Event], names: Iterable[str]) -> list[Event]:
    """Events by KIND, KIND/EVENT, seat folder or module; all without a name.

    Raises:
        ProveError: a name fits nothing.
    """
    wanted: list[Event] = []
    names = list(names)
    for name in names:
        plain = name.rstrip("/")
        fitting = [
            event
            for event in events
            if event.module == plain
            or event.seat.folder in (plain, f"tests/{plain}")
            or any(proved == plain or proved.split("/")[0] == plain for proved in event.proves)
        ]
        if not fitting:
            kinds = sorted({proved.split("/")[0] for event in events for proved in event.proves})
            raise ProveError(f"nothing is called {name!r}", fix=f"kinds are {', '.join(kinds)}; make prove LIST=1")
        wanted += fitting
    return [event for event in events if event in wanted] if names else list(events)


def by_seat(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Events in the order in which they run, by the folder of their seat."""
    grouped: dict[str, list[Event]] = {}
    for event in events:
        grouped.setdefault(event.seat.folder, []).append(event)
    return {folder: sorted(each, key=lambda event: (event.order, event.module)) for folder, each in grouped.items()}


def _seat(folder: Path, root: Path) -> Seat:
    file = folder / "conftest.py"
    said: dict[str, Any] = (_constants(file, "SEAT").get("SEAT") or {}) if file.exists() else {}
    try:
        lists = {name: tuple(said.get(name, ())) for name in ("tools", "reads")}
        return Seat(folder.relative_to(root).as_posix(), **{**said, **lists})
    except TypeError as error:
        raise ProveError(f"{file.relative_to(root)}: SEAT: {error}") from error


def _constants(path: Path, *names: str) -> dict[str, Any]:
    """Module constants with literal values."""
    found = {}
    for node in ast.parse(path.read_text(), str(path)).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            name, value = node.target.id, node.value
        else:
            continue
        if name in names:
            try:
                found[name] = ast.literal_eval(value)
            except ValueError:
                raise ProveError(f"{path}: {name} is not a literal", fix="write it out") from None
    return found


def _unique(events: Iterable[Event]) -> None:
    """One event, one module: a record says what one module proved."""
    seen: dict[str, str] = {}
    for event in events:
        for name in event.proves:
            if name in seen:
                raise ProveError(f"{name} is proved by {seen[name]} and {event.module}", fix="give one another name")
            seen[name] = event.module

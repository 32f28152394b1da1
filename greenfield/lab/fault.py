"""Faults that stand now: what was broken, where, and what undoing it needs. Kept on disk until cleared."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["stop", "kill", "freeze", "cut", "delay", "fill"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        id: short name for ``fault clear``, e.g. ``f3``.
        target: the host or rack.
        detail: kind's own: the file of ``fill``, the milliseconds of ``delay``, ``host`` or ``rack`` of ``cut``.
    """

    id: str
    kind: Kind
    target: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.target}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True)
class FaultBook:
    """The list on disk."""

    path: Path

    def all(self) -> list[Fault]:
        """Faults that stand, oldest first."""
        if not self.path.exists():
            return []
        return [Fault(**entry) for entry in json.loads(self.path.read_text())]

    def find(self, kind: Kind, target: str) -> Fault | None:
        """The fault of this kind at this target, if it stands."""
        return next((f for f in self.all() if f.kind == kind and f.target == target), None)

    def add(self, kind: Kind, target: str, detail: str = "") -> Fault:
        """Note a fault; the same kind at the same target is one fault."""
        faults = self.all()
        number = max((int(fault.id[1:]) for fault in faults), default=0) + 1
        fault = Fault(f"f{number}", kind, target, detail)
        self._write([*(f for f in faults if (f.kind, f.target) != (kind, target)), fault])
        return fault

    def remove(self, ids: Iterable[str]) -> None:
        """Forget faults."""
        gone = set(ids)
        self._write(fault for fault in self.all() if fault.id not in gone)

    def _write(self, faults: Iterable[Fault]) -> None:
        text = json.dumps([asdict(fault) for fault in faults])
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text)
        fresh.rename(self.path)

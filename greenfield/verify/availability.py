"""What a probe saw of a service while things changed: how often it was asked, how often and how long it was silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Availability:
    """The record of one probe. Times are UTC, ISO 8601, by the clock of the host that asks; ``""`` where there is none.

    Attributes:
        name: of the probe.
        target: a URL, or ``tcp://ADDRESS:PORT``.
        host: which host asked (``from`` in JSON).
        every_seconds: how often it asked.
        timeout_seconds: how long it waited for a whole answer.
        began: when it began to ask.
        last: when it asked last.
        seconds: from the first to the last, unobserved time among them.
        longest_gap_seconds: between two good answers (or the beginning, or the end, and one). Time that nobody
            observed is part of a gap only where the answers before and after it failed.
        longest_gap_at: the last good answer before it.
        unobserved_seconds: when the connection to the host was broken; never counted as good.
        reconnects: how often the connection was made again.
        errors: what was wrong, and how often.
        ended: whether the probe came to its end; one that runs has not, nor has one that was killed.
    """

    name: str
    target: str
    host: str
    every_seconds: float
    timeout_seconds: float
    began: str = ""
    last: str = ""
    seconds: float = 0.0
    asked: int = 0
    failed: int = 0
    longest_gap_seconds: float = 0.0
    longest_gap_at: str = ""
    unobserved_seconds: float = 0.0
    reconnects: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    ended: bool = False

    @property
    def failed_ratio(self) -> float:
        """Failed of asked, 0 to 1."""
        return self.failed / self.asked if self.asked else 0.0

    def to_json(self) -> dict[str, Any]:
        """JSON values; ``from_json`` reads them back."""
        return {"from" if key == "host" else key: value for key, value in asdict(self).items()}


def from_json(document: Mapping[str, Any]) -> Availability:
    """Read what ``Availability.to_json`` wrote.

    Raises:
        TypeError: it is none.
        KeyError: it is none.
    """
    return Availability(
        **{**{key: value for key, value in document.items() if key != "from"}, "host": document["from"]}
    )


class Tally:
    """Adds up what the loops of one probe saw, one after another when connections break.

    Moments are of the workstation's own monotonic clock, in seconds: hosts' clocks may be set while they are asked.
    """

    def __init__(self, probe: Availability) -> None:
        self._closed = probe
        self._now = probe
        self._began: float | None = None
        self._heard = 0.0
        self._broken = False
        self.failing_for = 0.0

    @property
    def has_begun(self) -> bool:
        """Whether any loop was heard of."""
        return self._began is not None

    def heard(self, seen: Mapping[str, Any], at: float) -> None:
        """A line of the loop that runs (``onhost/asker.py``)."""
        if self._began is None:
            self._began = at
            self._closed = replace(self._closed, began=seen["began"])
        elif self._broken:
            self._closed = replace(
                self._closed,
                unobserved_seconds=self._closed.unobserved_seconds + at - self._heard,
                reconnects=self._closed.reconnects + 1,
            )
        self._broken = False
        self._heard = at
        self.failing_for = float(seen["failing_for"])
        before = self._closed
        longer = seen["longest_gap_seconds"] > before.longest_gap_seconds
        self._now = replace(
            before,
            last=seen["last"] if seen["asked"] else before.last or seen["last"],
            asked=before.asked + seen["asked"],
            failed=before.failed + seen["failed"],
            longest_gap_seconds=seen["longest_gap_seconds"] if longer else before.longest_gap_seconds,
            longest_gap_at=seen["longest_gap_at"] if longer else before.longest_gap_at,
            errors=dict(Counter(before.errors) + Counter(seen["errors"])),
        )

    def broke(self) -> None:
        """The connection is gone, and what its loop saw since its last line with it."""
        self._closed = self._now
        self._broken = True

    def failing_until(self, at: float) -> float:
        """For how long no good answer was seen, if the last one was bad; else 0."""
        return self.failing_for + at - self._heard if self.failing_for else 0.0

    def record(self, at: float, *, ended: bool = False) -> Availability:
        """All that was seen until now."""
        blind = at - self._heard if self._broken else 0.0
        end = at if self._broken else self._heard
        return replace(
            self._now,
            seconds=round(end - self._began, 3) if self._began is not None else 0.0,
            unobserved_seconds=round(self._now.unobserved_seconds + blind, 3),
            ended=ended,
        )

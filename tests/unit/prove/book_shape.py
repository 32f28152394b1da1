"""A book of a few events, without reading this project's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from prove.book import Book
from prove.event import Event
from prove.record import Records


def book_of(events: Sequence[Event], folder: Path) -> Book:
    """Events whose digest is ``d`` on the core ``c``; their records lie in the folder."""
    book = Book.__new__(Book)
    book.events, book.core, book.commit = list(events), "c", "abc"
    book.digests = {name: "d" for event in events for name in event.proves}
    book.records = Records(folder / "proofs")
    book.now = datetime.now(UTC)
    return book

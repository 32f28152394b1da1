"""The one lab that stands: how it comes, what it is like between two events, and when it goes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from delivery import Delivery
from example import REPO

from greenfield.lab.lab import Lab

KEEP = "GREENFIELD_KEEP_LAB"
"""``1``: go on with the lab and the state of the run before, and leave them. ``failed``: begin with bare hosts, and
leave lab and state only when a test of the session's last seat failed, so that a run with ``1`` goes on with them."""


class Seat:
    """The lab of the folder whose events run now. Only one stands at a time: the machine has few of some things
    (docs/lab.md, "Kernel"), so it goes before another seat's comes."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.next_is_of_it = True
        self._delivery: Delivery | None = None
        self._lab: Lab | None = None
        self._patch = pytest.MonkeyPatch()

    def begin(self, mirror: Path) -> None:
        """Before a seat's lab is looked at: it serves this mirror."""
        self.leave(last=False)
        self.failed.clear()
        self._patch.setenv("GREENFIELD_MIRROR_DIR", str(mirror))

    def stand(self, lab: Lab, delivery: Delivery | None = None) -> None:
        """From now on this lab is the seat's; booted or half booted, it goes with the last event."""
        self._lab, self._delivery = lab, delivery

    def leave(self, *, last: bool) -> None:
        """Take the lab down, unless it is to be kept. ``last``: no other seat follows in this session."""
        lab, self._lab, self._delivery = self._lab, None, None
        try:
            if lab is not None and not self._stays(last):
                lab.down()
        finally:
            self._patch.undo()

    @contextmanager
    def left_as_found(self, session: pytest.Session) -> Iterator[None]:
        """Around an event: hosts are afterwards what it found, so that any other can follow, also when it failed."""
        failed = len(self.failed)
        yield
        if self._delivery is not None and self._is_needed(session):
            self._delivery.settle(doubt=len(self.failed) > failed)

    def _is_needed(self, session: pytest.Session) -> bool:
        """Whether another event will need the hosts as they were delivered."""
        ended = session.shouldfail or session.shouldstop or session.exitstatus == pytest.ExitCode.INTERRUPTED
        return not ended and (self.next_is_of_it or os.environ.get(KEEP) == "1")

    def _stays(self, last: bool) -> bool:
        keep = os.environ.get(KEEP)
        return keep == "1" or (keep == "failed" and last and bool(self.failed))


seat = Seat()


def bare_hosts(example: str, site: str, network: int, prepare: Callable[[Delivery], None] | None = None) -> Delivery:
    """Boot the lab of an example with its mirror; nothing was delivered on it, unless one that was kept goes on."""
    folder = REPO / "build" / site
    seat.begin(folder / "mirror")
    made = _kept(folder, example, site, network)
    fresh = made is None
    if made is None:
        shutil.rmtree(folder, ignore_errors=True)
        made = Delivery(folder, example, site, network, prepare)
        made.lab.down()
    seat.stand(made.lab, made)
    if not fresh:
        made.original.restore()
    made.sync()
    made.lab.up()
    if fresh:
        made.original.adopt()
    return made


def _kept(folder: Path, example: str, site: str, network: int) -> Delivery | None:
    """What the run before left, where it is whole."""
    if os.environ.get(KEEP) != "1" or not (folder / "original").is_dir():
        return None
    made = Delivery(folder, example, site, network)
    return made if made.lab.born else None

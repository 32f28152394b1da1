"""Seats are folders, and each module in one is an event of that seat's life: see README.md."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from delivery import Delivery
from patience import patience
from seat import seat

HERE = Path(__file__).parent

TEST_SECONDS = 900
"""When a test that names no deadline of its own hangs."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Seat by seat, events in their ORDER; tests of other folders stay where they are. Deadlines are the machine's.

    What boots and delivers before a seat's first test has deadlines of its own, whichever test that is.
    """
    places = [place for place, item in enumerate(items) if HERE in item.path.parents]
    found = [items[place] for place in places]
    seats = list(dict.fromkeys(item.path.parent for item in found))
    ordered = sorted(found, key=lambda item: (seats.index(item.path.parent), _module(item).ORDER))
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
        own = item.get_closest_marker("timeout")
        seconds = own.args[0] if own else TEST_SECONDS
        item.add_marker(pytest.mark.timeout(patience(seconds), func_only=True), append=False)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what failed, for whether hosts are in doubt and a lab is kept."""
    if report.failed:
        seat.failed.append(report.nodeid)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """A seat's lab goes with the last test of its folder, before the next seat's comes."""
    seat.next_is_of_it = nextitem is not None and nextitem.path.parent == item.path.parent
    try:
        return (yield)
    except BaseException:
        seat.failed.append(item.nodeid)
        raise
    finally:
        if not seat.next_is_of_it:
            seat.leave(last=nextitem is None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Also where the session was interrupted."""
    seat.next_is_of_it = False
    try:
        return (yield)
    finally:
        seat.leave(last=True)


@pytest.fixture(scope="session")
def delivered(delivery: Delivery) -> Delivery:
    """A seat's hosts after the first delivery, whoever made it; ``delivery``, each seat's own, may be bare yet."""
    delivery.have_delivered()
    return delivery


@pytest.fixture(scope="session")
def hosts(delivery: Delivery) -> list[str]:
    """Names of all hosts."""
    return sorted(delivery.site.hosts)


@pytest.fixture(scope="module", autouse=True)
def as_delivered(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every event leaves its seat as it found it."""
    with seat.left_as_found(request.session):
        yield


def _module(item: pytest.Item) -> pytest.Module:
    assert isinstance(item, pytest.Function)
    return item.module

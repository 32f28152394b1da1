"""Seats run one after the other, those that measure alone, and what needs no lab beside the first of them."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prove import REPO, execution
from prove.event import Event, Seat
from prove.execution import Execution, total
from prove.session import Plan

WRITE = """import time
from pathlib import Path

def test_{name}():
    begun = time.time()
    time.sleep({seconds})
    with Path(__file__).with_name("order").open("a") as stream:
        stream.write(f"{name} {{begun}} {{time.time()}}\\n")
    assert {good}
"""


class Site:
    """Modules in a folder, each a seat of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []

    def event(self, name: str, *, seconds: float = 0, good: bool = True, **seat: bool) -> Event:
        """One event that takes so long and ends so."""
        file = self.folder / f"test_{name}.py"
        file.write_text(WRITE.format(name=name, seconds=seconds, good=good))
        return Event(str(file.relative_to(REPO)), (f"kind/{name}",), Seat(f"tests/{name}", **seat))

    def spans(self) -> dict[str, tuple[float, float]]:
        """When each ran."""
        lines = (line.split() for line in (self.folder / "order").read_text().splitlines())
        return {name: (float(begun), float(ended)) for name, begun, ended in lines}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    # Below the checkout, as pytest names modules from its root.
    folder = REPO / "build" / "prove" / f"tests-{os.getpid()}"
    folder.mkdir(parents=True)
    monkeypatch.setattr(execution, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(execution, "_short", str)
    monkeypatch.setattr(execution, "labs_down", lambda: True)
    yield Site(folder)
    shutil.rmtree(folder)


def _run(site: Site, events: list[Event], plan: Plan | None = None) -> Execution:
    made = Execution(events, plan or Plan(), site.said.append, {event.module: 60.0 for event in events})
    made.run()
    return made


def test_what_needs_no_lab_runs_beside_and_what_measures_waits_for_it(site: Site) -> None:
    events = [
        site.event("alone", alone=True),
        site.event("lab", seconds=2),
        site.event("beside", seconds=4, beside=True),
    ]
    made = _run(site, events)
    spans = site.spans()
    assert total(list(made.outcomes.values())) == (3, 0)
    assert spans["beside"][0] < spans["lab"][1]
    assert spans["alone"][0] > spans["beside"][1]
    assert spans["alone"][0] > spans["lab"][1]


def test_progress_tells_what_is_done_and_the_time_left(site: Site) -> None:
    _run(site, [site.event("one"), site.event("two", good=False)])
    assert any("1/2" in line and "passed" in line and "about 1 min left" in line for line in site.said)
    assert any("2/2" in line and "FAILED" in line and "about 0 min left" in line for line in site.said)


def test_a_failure_whose_lab_is_kept_ends_the_run(site: Site) -> None:
    events = [site.event("a", good=False), site.event("b")]
    made = _run(site, events, Plan(keep=True, stop_first=True))
    assert made.kept == next(iter(made.outcomes))
    assert list(site.spans()) == ["a"]


def test_without_that_the_other_seats_run_all_the_same(site: Site) -> None:
    made = _run(site, [site.event("a", good=False), site.event("b")])
    assert made.kept == ""
    assert sorted(site.spans()) == ["a", "b"]


def test_an_interrupted_run_keeps_what_passed_and_leaves_no_session(site: Site) -> None:
    events = [site.event("a"), site.event("b", seconds=600), site.event("c", seconds=600, beside=True)]
    made = Execution(events, Plan(), site.said.append, {})
    main = threading.get_ident()

    def interrupt() -> None:
        deadline = time.monotonic() + 60
        while not any("1/3" in line for line in site.said) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        made.run()
    assert time.monotonic() - began < 90
    assert [Path(module).stem for module, outcome in made.outcomes.items() if outcome.good] == ["test_a"]
    assert len(made.outcomes) == 1

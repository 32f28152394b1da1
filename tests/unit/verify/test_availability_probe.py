"""A probe from end to end, but for ssh: a stand-in runs the host's side here, as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_ssh import ends, stand_in
from loopback_service import LoopbackService

from greenfield.model.site import Access, Host
from greenfield.verify import availability_probe
from greenfield.verify.availability import Availability
from greenfield.verify.availability_probe import AvailabilityProbe
from greenfield.verify.availability_records import AvailabilityRecords
from greenfield.verify.scripts import source
from greenfield.verify.session import UnreachableError

ACCESS = Access("ops", "/spec/known_hosts", "/spec/id_ed25519")
HOST = Host("r1-h1", "r1", 1, "small", "S1", "10.0.0.1", "02:00:00:00:00:01")
GONE = Host("r1-h9", "r1", 9, "small", "S9", "10.0.0.9", "02:00:00:00:00:09")
PATIENCE_SECONDS = 20.0


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "bin").mkdir()
    return stand_in(tmp_path / "bin", monkeypatch)


@pytest.fixture
def service() -> Iterator[LoopbackService]:
    running = LoopbackService()
    yield running
    running.stop()


class Asking:
    """A probe that runs beside the test."""

    def __init__(self, target: str, host: Host = HOST) -> None:
        self.records = AvailabilityRecords("lab", "orders")
        self.records.hold("shop").close()
        self.said: list[str] = []
        self.shown: list[Availability] = []
        question = Availability("shop", target, host.name, 0.1, 0.5)
        self.probe = AvailabilityProbe(question, host, ACCESS, self.records, self.shown.append, self.said.append)
        self.result: Availability | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.result = self.probe.run()

    def until(self, true: Callable[[Availability], bool]) -> Availability:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = self.records.read_all()
            if found and true(found[0]):
                return found[0]
            time.sleep(0.05)
        raise AssertionError(f"never true: {self.records.read_all()} {self.said}")

    def end(self) -> Availability:
        self.probe.stop()
        self._thread.join(PATIENCE_SECONDS)
        assert self.result is not None
        return self.result


def loops(folder: Path) -> list[int]:
    """Processes (their groups) of the host's side so far."""
    path = folder / "pids"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_the_record_grows_and_is_whole_in_the_end(bin_folder: Path, service: LoopbackService) -> None:
    asking = Asking(service.url)
    first = asking.until(lambda record: record.asked >= 5)
    assert not first.ended and first.host == "r1-h1" and first.target == service.url
    service.stop()
    asking.until(lambda record: record.failed >= 3)
    record = asking.end()
    assert record.ended and record.asked > first.asked
    assert record.errors.keys() <= {"connection refused", "connection reset by peer"}
    assert (record.unobserved_seconds, record.reconnects) == (0.0, 0)
    assert asking.records.read_all() == (record,)
    assert len((bin_folder / "calls").read_text().splitlines()) == 1
    assert "StrictHostKeyChecking=yes" in (bin_folder / "calls").read_text()
    assert "sudo" not in (bin_folder / "calls").read_text()
    assert ends(loops(bin_folder)[0]), "nothing is left on the host"


def test_a_broken_connection_is_made_again_and_what_nobody_saw_is_unobserved(
    bin_folder: Path, service: LoopbackService
) -> None:
    asking = Asking(service.url)
    asking.until(lambda record: record.asked >= 5)
    (bin_folder / "down").touch()
    os.killpg(loops(bin_folder)[0], signal.SIGKILL)
    broken = asking.until(lambda record: record.unobserved_seconds > 1.5)
    assert broken.failed == 0 and not broken.ended
    (bin_folder / "down").unlink()
    asking.until(lambda record: record.reconnects == 1 and record.asked > broken.asked + 5)
    record = asking.end()
    assert record.failed == 0 and record.errors == {}
    assert 1.5 < record.unobserved_seconds < record.seconds
    assert record.longest_gap_seconds < record.unobserved_seconds, "unobserved time is no gap where answers were good"
    assert record.asked == pytest.approx(len(service.paths), abs=15), "but for those whose line was lost"
    assert len(asking.said) == 2, asking.said
    assert asking.said[0].startswith("r1-h1: connection ended") and asking.said[0].endswith("connecting again")
    assert re.fullmatch(r"r1-h1: connected again; [\d.]+ s unobserved so far", asking.said[1])
    assert all(ends(group) for group in loops(bin_folder))


def test_a_service_that_fails_before_and_after_the_break_has_one_gap(
    bin_folder: Path, service: LoopbackService
) -> None:
    asking = Asking(service.url)
    asking.until(lambda record: record.asked >= 3)
    service.stop()
    asking.until(lambda record: record.failed >= 3)
    (bin_folder / "down").touch()
    os.killpg(loops(bin_folder)[0], signal.SIGKILL)
    asking.until(lambda record: record.unobserved_seconds > 1.5)
    (bin_folder / "down").unlink()
    failed = asking.until(lambda record: record.reconnects == 1).failed
    asking.until(lambda record: record.failed > failed)
    record = asking.end()
    assert record.longest_gap_seconds > record.unobserved_seconds > 1.5


def test_a_host_that_never_answers_changes_nothing(bin_folder: Path) -> None:
    records = AvailabilityRecords("lab", "orders")
    records.hold("shop").close()
    question = Availability("shop", "tcp://127.0.0.1:9", "r1-h9", 0.1, 0.5)
    words = r"r1-h9 \(10.0.0.9\) can't be asked from: ssh: connect: No route to host"
    with pytest.raises(UnreachableError, match=words):
        AvailabilityProbe(question, GONE, ACCESS, records).run(5)
    assert records.read_all() == ()


def test_a_probe_ends_by_itself_when_its_time_is_over(bin_folder: Path, service: LoopbackService) -> None:
    records = AvailabilityRecords("lab", "orders")
    records.hold("shop").close()
    began = time.monotonic()
    question = Availability("shop", f"tcp://127.0.0.1:{service.port}", "r1-h1", 0.1, 0.5)
    record = AvailabilityProbe(question, HOST, ACCESS, records).run(1.5)
    assert 1.4 < record.seconds < 4 and time.monotonic() - began < 10
    assert record.ended and record.asked >= 5 and record.failed == 0


def test_the_loop_knows_that_it_is_listened_to(
    bin_folder: Path, service: LoopbackService, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = source("asker").replace("SILENT_SECONDS = 30.0", "SILENT_SECONDS = 3.0")
    monkeypatch.setattr(availability_probe, "source", lambda name: hasty)
    records = AvailabilityRecords("lab", "orders")
    records.hold("shop").close()
    question = Availability("shop", service.url, "r1-h1", 0.1, 0.5)
    record = AvailabilityProbe(question, HOST, ACCESS, records).run(6)
    assert record.seconds > 5 and record.reconnects == 0 and record.ended
    assert len(loops(bin_folder)) == 1

"""A change that its operator, or a supervisor, breaks off."""

from __future__ import annotations

import signal
import time

from delivery import Delivery, Figure, said_all
from patience import patience

PROVES = ("site/interrupt", "redis/interrupt")
ORDER = 80


def test_interrupted_change_ends_in_good_order(delivered: Delivery, record_property: Figure) -> None:
    """Ctrl-C in the middle of a change: all of it ends, and the hosts that it was at are known to be unfinished."""
    before = delivered.set_memory(288)
    # Pulumi's language host outlives a kill -9, as in another event, by some minutes.
    orphans = delivered.processes()
    process, log = delivered.start_up("interrupted")
    delivered.wait_for(log, "sessions-r1  0/2 hosts", 120)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.wait(patience(60))
    record_property("interrupted_run_ends_seconds", round(time.monotonic() - began, 1))
    said = log.read_text(errors="replace")
    assert process.returncode == 1, said[-4000:]
    assert "cancelling" in said
    assert "sessions-r1: cancelled" in said, said[-4000:]
    assert delivered.processes() <= orphans
    # The spec of before: the hosts must be looked at all the same, for nobody knows what the interrupted run did.
    delivered.set_memory(before)
    result = delivered.up()
    assert result.returncode == 0, result.stdout[-6000:]
    said_all(result, r"r1-h2: failed before: sessions-r1: cancelled")
    assert [delivered.memory(host) for host in ("r1-h2", "r1-h3")] == [before, before]


def test_second_interrupt_ends_a_run_at_once(delivered: Delivery, record_property: Figure) -> None:
    """What a supervisor does (SIGTERM, and again): no process stays, and the next run knows what is unfinished."""
    before = delivered.set_memory(288)
    orphans = delivered.processes()
    process, log = delivered.start_up("terminated")
    delivered.wait_for(log, "sessions-r1  0/2 hosts", 120)
    process.send_signal(signal.SIGTERM)
    delivered.wait_for(log, "cancelling", 20)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    process.wait(patience(30))
    record_property("terminated_run_ends_seconds", round(time.monotonic() - began, 1))
    assert process.returncode == 1, log.read_text(errors="replace")[-4000:]
    deadline = time.monotonic() + patience(10)
    while left := delivered.processes() - orphans:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
    delivered.set_memory(before)
    result = delivered.up()
    assert result.returncode == 0, result.stdout[-6000:]
    said_all(result, r"r1-h2: (failed before|drifted)")
    assert {delivered.memory(f"r{rack}-h{place}") for rack in (1, 2, 3) for place in (2, 3)} == {before}

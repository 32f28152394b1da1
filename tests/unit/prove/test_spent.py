"""The table of where time went has a row a test and a sum an event."""

from __future__ import annotations

from prove.meter import Meter
from prove.session import Outcome
from prove.spent import table


def test_rows_are_tests_and_their_sum_is_the_events() -> None:
    outcome = Outcome("tests/e2e/lab/test_x.py")
    outcome.tests = {
        "tests/e2e/lab/test_x.py::test_a": {"wall call": 10.0, "boot": 4.0, "waiting": 1.0},
        "tests/e2e/lab/test_x.py::test_b": {"wall call": 5.0, "ansible": 3.0},
    }
    head, _, event, first, second = table([outcome]).splitlines()
    assert head == "| test | wall setup | wall call | wall teardown | ansible | boot | other | waiting |"
    assert event == "| **e2e/lab/test_x.py** | 0 | 15 | 0 | 3 | 4 | 0 | 1 |"
    assert first == "| test_a | 0 | 10 | 0 | 0 | 4 | 0 | 1 |"
    assert second == "| test_b | 0 | 5 | 0 | 3 | 0 | 0 | 0 |"


def test_processor_time_of_a_child_that_ended_is_counted_once() -> None:
    import subprocess
    import sys

    meter = Meter()
    try:
        burn = "import time\nend = time.process_time() + 1.5\nwhile time.process_time() < end: pass"
        subprocess.run([sys.executable, "-c", burn], check=True)
        spent = meter.since()
    finally:
        meter.stop()
    # Our own process is one of tests or, where it is started otherwise, of greenfield; both hold the child.
    assert spent.get("tests", 0.0) + spent.get("greenfield", 0.0) + spent.get("other", 0.0) > 1.2
    assert meter.since().get("tests", 0.0) < 1.0

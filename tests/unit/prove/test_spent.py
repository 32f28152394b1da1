"""The table of where time went has a row a test and a sum an event."""

from __future__ import annotations

import json
import subprocess
import sys

from prove.session import Outcome
from prove.spent import table


def test_rows_are_tests_and_their_sum_is_the_events() -> None:
    outcome = Outcome("tests/e2e/lab/test_x.py")
    outcome.tests = {
        "tests/e2e/lab/test_x.py::test_a": {"wall call": 10.0, "boot": 4.0, "waiting": 1.0, "cpu": 5.0},
        "tests/e2e/lab/test_x.py::test_b": {"wall call": 5.0, "ansible": 3.0, "cpu": 4.0},
    }
    head, _, event, first, second = table([outcome]).splitlines()
    assert head == "| test | wall setup | wall call | wall teardown | cpu | ansible | boot | other | waiting |"
    assert event == "| **e2e/lab/test_x.py** | 0 | 15 | 0 | 9 | 3 | 4 | 0 | 1 |"
    assert first == "| test_a | 0 | 10 | 0 | 5 | 0 | 4 | 0 | 1 |"
    assert second == "| test_b | 0 | 5 | 0 | 4 | 3 | 0 | 0 | 0 |"


def test_processor_time_of_a_child_that_ended_is_counted_once() -> None:
    """In a process of its own, for the one that is metered moves into another cgroup."""
    burn = "end = time.process_time() + 1.5\nwhile time.process_time() < end: pass"
    program = f"""
import json, subprocess, sys
from prove.meter import Meter
meter = Meter()
try:
    # With a parent of its own that ends at the same moment.
    nested = "import subprocess, sys, time\\n" + {burn!r} + "\\n"
    outer = "import subprocess, sys; subprocess.run([sys.executable, '-c', " + repr(nested) + "])"
    subprocess.run([sys.executable, "-c", outer], check=True)
    spent, then = meter.since(), meter.since()
finally:
    meter.stop()
print(json.dumps([spent, then]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    spent, then = json.loads(done.stdout)
    assert spent["cpu"] > 1.5
    # Its parent, which holds what it used, is Python without a name that is known.
    assert 1.2 < spent["greenfield"] <= spent["cpu"] + 0.1
    assert then.get("cpu", 0.0) < 1.0

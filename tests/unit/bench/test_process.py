"""A process and what it starts are measured; one that fails or hangs is told, not measured."""

import sys

import pytest

from bench.process import BenchError, run

HOLD = "import time; held = bytearray({} << 20); time.sleep(0.6)"


def test_peak_memory_of_a_child_is_seen():
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD.format(150)!r}], check=True)"
    done = run([sys.executable, "-c", program])
    assert done.seconds >= 0.6
    assert 150 < done.peak_of("150 << 20); time.sleep(0.6)") / 2**20 < 400
    with pytest.raises(BenchError, match="no process 'absent'"):
        done.peak_of("absent")


def test_processor_time_counts_what_the_process_did():
    done = run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"])
    assert 0.4 < done.cpu_seconds < 5


def test_a_failure_carries_its_last_words():
    with pytest.raises(BenchError, match="ended with 3:\nthe reason"):
        run([sys.executable, "-c", "print('the reason'); raise SystemExit(3)"])


def test_a_hanging_process_is_ended():
    with pytest.raises(BenchError, match=r"took more than 0.3 s"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], timeout_seconds=0.3)

"""Runs processes and measures them: seconds, peak memory, and the peak memory of what they start."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE_SECONDS = 0.1
TAIL = 3000
END_SECONDS = 90.0


class BenchError(Exception):
    """Something to be measured did not work, so there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A process that ended well.

    Attributes:
        output: standard output and error.
        peaks: command line to peak resident memory in bytes, of the process and all it started, by sampling.
        cpu_seconds: processor time of the process and all it started and waited for.
    """

    seconds: float
    output: str
    peaks: Mapping[str, int] = field(default_factory=dict)
    cpu_seconds: float = 0.0

    def peak_of(self, word: str) -> int:
        """Peak memory in bytes of the largest process whose command line holds a word.

        Raises:
            BenchError: there was none.
        """
        found = [peak for command, peak in self.peaks.items() if word in command]
        if not found:
            raise BenchError(f"no process {word!r} was seen; seen: {', '.join(self.peaks)}")
        return max(found)


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout_seconds: float = 900,
) -> Measured:
    """Run a command to its end.

    Raises:
        BenchError: it failed or did not end in time; with its last words.
    """
    before = os.times()
    began = time.monotonic()
    process = subprocess.Popen(
        list(command),
        env=None if environment is None else dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    sampler = _Sampler(process.pid)
    try:
        output, _ = process.communicate(timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        raise BenchError(f"{' '.join(command)} took more than {timeout_seconds} s:\n{output[-TAIL:]}") from None
    except BaseException:
        # Ctrl-C: what is being measured must not go on under the hands of who cleans up.
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        process.kill()
        process.wait()
        raise
    finally:
        sampler.stop()
    took = time.monotonic() - began
    if process.returncode:
        raise BenchError(f"{' '.join(command)} ended with {process.returncode}:\n{output[-TAIL:]}")
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return Measured(took, output, sampler.peaks, cpu)


class _Sampler:
    """Looks at a process and its descendants again and again, until it is told to stop."""

    def __init__(self, pid: int) -> None:
        self.peaks: dict[str, int] = {}
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            for pid in descendants(self._pid):
                self._look(pid)

    def _look(self, pid: int) -> None:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            peak = _high_water(Path(f"/proc/{pid}/status").read_text())
        except OSError:
            return  # It ended between being listed and being read.
        if command:
            self.peaks[command] = max(self.peaks.get(command, 0), peak)


def _high_water(status: str) -> int:
    line = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(line.split()[1]) * 1024


def descendants(pid: int) -> list[int]:
    """A process and everything below it, as far as it still lives."""
    found = [pid]
    for at in found:
        try:
            for task in Path(f"/proc/{at}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found

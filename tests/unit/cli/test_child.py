"""Signals on their way to the program that the command line runs."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

COUNTER = """
import os, signal, sys, time
seen = []
def say(*words):
    os.write(1, " ".join([*words, "\\n"]).encode())
def take(number, frame):
    seen.append(signal.Signals(number).name)
    say(*seen)
for number in (signal.SIGINT, signal.SIGTERM):
    if signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, take)
say("ready")
end = time.monotonic() + 20
while len(seen) < int(sys.argv[1]) and time.monotonic() < end:
    time.sleep(0.02)
time.sleep(0.3)
say("took", *seen)
sys.exit(40 + len(seen))
"""
"""Takes signals until it has as many as it was told, and a little longer; its exit code says how many it took."""

US = """
import sys
from pathlib import Path
from greenfield.cli import child
sys.exit(child.run(sys.argv[1:], folder=Path(), environment={}))
"""
DEFAULT = ("env", "--default-signal=INT,TERM")
IGNORED = ("env", "--ignore-signal=INT")


def _command(start: tuple[str, ...], wanted: int) -> list[str]:
    return [*start, sys.executable, "-c", US, sys.executable, "-c", COUNTER, str(wanted)]


def _wait_for(log: Path, words: str) -> None:
    deadline = time.monotonic() + 15
    while words not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def _start(log: Path, start: tuple[str, ...], wanted: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        _command(start, wanted),
        stdin=subprocess.DEVNULL,
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    _wait_for(log, "ready")
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_without_a_terminal_a_signal_is_handed_on_once(log: Path, number: signal.Signals, send: object) -> None:
    process = _start(log, DEFAULT, 1)
    send(process.pid, number)  # type: ignore[operator]
    assert process.wait(20) == 41, log.read_text()
    assert f"took {number.name}" in log.read_text()


def test_a_second_one_is_handed_on_too(log: Path) -> None:
    process = _start(log, DEFAULT, 2)
    process.send_signal(signal.SIGTERM)
    _wait_for(log, "SIGTERM")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 42, log.read_text()


def test_what_our_caller_had_us_ignore_stays_ignored(log: Path) -> None:
    process = _start(log, IGNORED, 1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 41, log.read_text()
    assert "took SIGTERM" in log.read_text()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A terminal's two ends."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def _read_until(ours: int, words: str) -> str:
    said, deadline = "", time.monotonic() + 15
    while words not in said:
        assert time.monotonic() < deadline, said
        said += os.read(ours, 4096).decode()
    return said


def test_a_terminals_interrupts_reach_the_program_once_each_and_we_wait(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    # A session whose terminal this is: what a login shell has.
    login = ("setsid", "--ctty", "--wait", *DEFAULT)
    process = subprocess.Popen(_command(login, 2), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    _read_until(ours, "ready")
    os.write(ours, b"\x03")
    _read_until(ours, "SIGINT \r\n")
    os.write(ours, b"\x03")
    # What it says last may be lost with the terminal, which hangs up when the session ends.
    assert process.wait(20) == 42

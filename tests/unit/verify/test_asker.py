"""The loop that asks on a host, as it runs there, against a real service that comes and goes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from loopback_service import LoopbackService

from greenfield.verify.scripts import source
from greenfield.verify.session import BOOTSTRAP

SLACK_SECONDS = 1.0
"""What a busy machine may add to a gap."""


@pytest.fixture
def service() -> Iterator[LoopbackService]:
    running = LoopbackService()
    yield running
    running.stop()


class Loop:
    """The loop, and somebody who listens to it."""

    def __init__(self, program: str = "", *, listen: bool = True, **settings: Any) -> None:
        self.lines: list[dict[str, Any]] = []
        settings = {"every": 0.1, "timeout": 0.5, "failing_for": 0.0, **settings}
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", BOOTSTRAP, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        text = (program or source("asker")).encode()
        self.write(f"{len(text)}\n".encode() + text)
        self._thread = threading.Thread(target=self._read, args=(listen,), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self.lines and time.monotonic() < deadline:
            time.sleep(0.01)

    def write(self, data: bytes) -> None:
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except (OSError, ValueError):
            return

    def _read(self, listen: bool) -> None:
        for line in self.process.stdout:
            self.lines.append(json.loads(line))
            if listen:
                self.write(b"\n")

    def end(self) -> dict[str, Any]:
        """Stop listening; returns the last line."""
        self.process.stdin.close()
        assert self.process.wait(5) == 0
        self._thread.join(5)
        return self.lines[-1]


def test_a_service_that_always_answers(service: LoopbackService) -> None:
    loop = Loop(url=service.url)
    time.sleep(2.5)
    seen = loop.end()
    assert seen["ended"] and seen["failed"] == 0 and seen["errors"] == {} and seen["failing_for"] == 0
    assert 5 <= seen["asked"] == len(service.paths) <= 27
    assert 0.09 < seen["longest_gap_seconds"] < 0.1 + SLACK_SECONDS
    assert set(service.paths) == {"/health?deep=1"}
    told = [line["asked"] for line in loop.lines]
    assert told == sorted(told) and 3 <= len(told) <= 6, "about once a second, and at both ends"


def test_a_service_that_was_gone_for_a_while(service: LoopbackService) -> None:
    loop = Loop(url=service.url)
    time.sleep(1)
    before = time.monotonic()
    service.stop()
    gone = time.monotonic()
    gone_at = time.time()
    time.sleep(1.5)
    back = time.monotonic()
    service.start()
    time.sleep(1)
    seen = loop.end()
    assert back - gone <= seen["longest_gap_seconds"] < back - before + SLACK_SECONDS
    assert -SLACK_SECONDS < datetime.fromisoformat(seen["longest_gap_at"]).timestamp() - gone_at < 0.1
    assert seen["errors"].keys() <= {"connection refused", "connection reset by peer"}
    assert 5 <= seen["failed"] == sum(seen["errors"].values()) <= 16
    assert seen["asked"] - seen["failed"] == len(service.paths)


def test_a_service_that_never_comes_back_has_a_gap_to_the_end(service: LoopbackService) -> None:
    loop = Loop(url=service.url)
    time.sleep(0.5)
    service.stop()
    began = time.monotonic()
    time.sleep(1.2)
    lasted = time.monotonic() - began
    seen = loop.end()
    assert lasted - SLACK_SECONDS < seen["longest_gap_seconds"] < lasted + SLACK_SECONDS
    assert seen["failing_for"] == seen["longest_gap_seconds"]


def test_a_bad_status_and_an_answer_that_is_never_whole_are_failures(service: LoopbackService) -> None:
    service.status = 503
    loop = Loop(url=service.url, timeout=0.3)
    time.sleep(0.6)
    service.status, service.dripping = 200, True
    time.sleep(1.2)
    service.dripping = False
    seen = loop.end()
    assert seen["errors"]["HTTP 503"] >= 2
    assert seen["errors"]["no answer within 0.3 s"] >= 1


def test_a_redirect_is_an_answer(service: LoopbackService) -> None:
    service.status = 302
    loop = Loop(url=service.url)
    time.sleep(0.5)
    assert loop.end()["failed"] == 0


def test_a_port_is_connected_to(service: LoopbackService) -> None:
    loop = Loop(tcp=f"127.0.0.1:{service.port}")
    time.sleep(0.8)
    service.stop()
    time.sleep(0.8)
    seen = loop.end()
    assert seen["asked"] > seen["failed"] > 0
    assert seen["errors"] == {"connection refused": seen["failed"]}
    assert service.paths == []


def test_a_gap_that_began_before_goes_on_only_through_failures(service: LoopbackService) -> None:
    loop = Loop(url=service.url, failing_for=100.0)
    time.sleep(0.5)
    assert loop.end()["longest_gap_seconds"] < 1 + SLACK_SECONDS
    service.stop()
    loop = Loop(url=service.url, failing_for=100.0)
    time.sleep(0.5)
    assert 100 < loop.end()["longest_gap_seconds"] < 102 + SLACK_SECONDS


def test_the_loop_ends_when_nobody_listens(service: LoopbackService) -> None:
    hasty = source("asker").replace("SILENT_SECONDS = 30.0", "SILENT_SECONDS = 3.0")
    assert hasty != source("asker")
    heard = Loop(hasty, url=service.url)
    unheard = Loop(hasty, url=service.url, listen=False)
    assert unheard.process.wait(10) == 0
    assert heard.process.poll() is None
    assert heard.end()["ended"]


def test_a_name_that_does_not_resolve_is_told() -> None:
    loop = Loop(tcp="no-such-host.invalid:80", timeout=5.0)
    time.sleep(1.0)
    loop.process.stdin.close()
    loop.process.wait(20)
    errors = loop.lines[-1]["errors"]
    assert errors and all(kind.startswith(("name not resolved: ", "no answer within")) for kind in errors)

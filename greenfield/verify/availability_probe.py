"""A probe: has a host ask a service all the time, over one connection, and keeps the record up to date."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from greenfield.model.site import Access, Host
from greenfield.verify.availability import Availability, Tally
from greenfield.verify.availability_records import AvailabilityRecords
from greenfield.verify.scripts import source
from greenfield.verify.session import BOOTSTRAP, UnreachableError, ssh_options

CONNECT_SECONDS = 5
FIRST_LINE_SECONDS = 20.0
"""For ssh to connect and Python to start; then the connection counts as failed."""

AGAIN_SECONDS = 1.0
"""Between two attempts to connect again."""

LAST_WORDS_SECONDS = 3.0
"""What the loop gets to end, beside the time of a question that runs."""


@dataclass(frozen=True, slots=True)
class _Line:
    """What the loop of a connection said; ``None`` when the connection ended."""

    connection: _Connection
    seen: Mapping[str, Any] | None


class _Connection:
    """One ssh process with the loop behind it, which ends when the connection does."""

    def __init__(self, host: Host, access: Access, settings: Mapping[str, Any], inbox: SimpleQueue[_Line | None]):
        program = source("asker").encode()
        command = f"python3 -u -c {shlex.quote(BOOTSTRAP)} {shlex.quote(json.dumps(settings))} : greenfield probe"
        self._process = subprocess.Popen(
            # Of an option that is there twice ssh takes the first: a host that is gone is tried again soon.
            ["ssh", "-o", f"ConnectTimeout={CONNECT_SECONDS}", *ssh_options(access),
             f"{access.user}@{host.address}", command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,  # the terminal's Ctrl-C is for us: the loop is to say its last words
        )  # fmt: skip
        self._inbox = inbox
        self._words: list[str] = []
        self._errors = threading.Thread(target=self._read_errors, daemon=True)
        self._errors.start()
        threading.Thread(target=self._read, daemon=True).start()
        self._send(f"{len(program)}\n".encode() + program)

    def acknowledge(self) -> None:
        """Tell the loop that it is listened to."""
        self._send(b"\n")

    def hang_up(self) -> None:
        """Have the loop end."""
        try:
            assert self._process.stdin is not None
            self._process.stdin.close()
        except OSError:
            return  # it has ended already

    def close(self) -> str:
        """End the connection; returns what ssh said of it last."""
        self.hang_up()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._errors.join(1)
        return self._words[-1] if self._words else f"connection ended (ssh exit {self._process.returncode})"

    def _send(self, data: bytes) -> None:
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (OSError, ValueError):
            return  # the reader finds out too

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                seen = json.loads(line)
            except ValueError:
                continue  # a greeting of the host's shell
            if isinstance(seen, dict):
                self._inbox.put(_Line(self, seen))
        self._inbox.put(_Line(self, None))

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if words := line.decode(errors="replace").strip():
                self._words = [*self._words[-9:], words]


@dataclass(slots=True)
class AvailabilityProbe:
    """Asks until it is told to stop.

    Attributes:
        question: the record to begin with: name, target, host, how often, how long.
        host: that asks; connected to as the site's user, without root.
        records: where the record goes, once a second.
        show: is given the record each time that it changes.
        say: is given a sentence when the connection breaks and when it is back.
    """

    question: Availability
    host: Host
    access: Access
    records: AvailabilityRecords
    show: Callable[[Availability], None] = lambda record: None
    say: Callable[[str], None] = lambda sentence: None
    _inbox: SimpleQueue[_Line | None] = field(default_factory=SimpleQueue)
    _until: float = float("inf")
    _stopped: bool = False
    _unsaved: bool = False

    def stop(self) -> None:
        """Have ``run`` come to its end; a signal handler may call it."""
        self._stopped = True
        self._inbox.put(None)

    def run(self, seconds: float | None = None) -> Availability:
        """Ask until ``stop`` is called or for some seconds. The record of before stays until a first line came.

        Raises:
            UnreachableError: the host could not be connected to in the beginning.
            OSError: the record could not be written in the end.
        """
        tally = Tally(self.question)
        connection: _Connection | None = self._connect(tally)
        self._until = time.monotonic() + seconds if seconds is not None else float("inf")
        while not self._is_over:
            if connection is None:
                connection = self._again(tally)
                continue
            line = self._next(min(self._until - time.monotonic(), 1.0))
            if line is None or line.connection is not connection:
                continue
            if line.seen is None:
                tally.broke()
                self.say(f"{self.host.name}: {connection.close()}; connecting again")
                connection = None
                continue
            self._heard(tally, connection, line.seen)
        if connection is not None:
            self._end(tally, connection)
        record = tally.record(time.monotonic(), ended=True)
        self.records.write(record)
        return record

    @property
    def _is_over(self) -> bool:
        return self._stopped or time.monotonic() >= self._until

    def _next(self, seconds: float) -> _Line | None:
        try:
            return self._inbox.get(timeout=max(seconds, 0.01))
        except Empty:
            return None

    def _connect(self, tally: Tally) -> _Connection:
        """A connection whose loop has said its first line.

        Raises:
            UnreachableError: there is none to be had.
        """
        kind, _, place = self.question.target.partition("://")
        asked = {"tcp": place} if kind == "tcp" else {"url": self.question.target}
        settings = {
            **asked,
            "every": self.question.every_seconds,
            "timeout": self.question.timeout_seconds,
            "failing_for": round(tally.failing_until(time.monotonic()), 3),
        }
        connection = _Connection(self.host, self.access, settings, self._inbox)
        deadline = time.monotonic() + FIRST_LINE_SECONDS
        while time.monotonic() < deadline and not self._is_over:
            line = self._next(min(self._until - time.monotonic(), 1.0))
            if tally.has_begun:
                self._keep(tally)
            if line is None or line.connection is not connection:
                continue
            if line.seen is None:
                break
            self._heard(tally, connection, line.seen)
            return connection
        words = "stopped before it answered" if self._stopped else connection.close()
        connection.close()
        raise UnreachableError(
            f"{self.host.name} ({self.host.address}) can't be asked from: {words}",
            fix=f"ssh {self.access.user}@{self.host.address} must work with the pinned host key, and find python3",
        )

    def _again(self, tally: Tally) -> _Connection | None:
        try:
            connection = self._connect(tally)
        except UnreachableError:
            pause = time.monotonic() + AGAIN_SECONDS
            while time.monotonic() < pause and not self._is_over:
                self._next(min(pause, self._until) - time.monotonic())
            return None
        record = tally.record(time.monotonic())
        self.say(f"{self.host.name}: connected again; {record.unobserved_seconds:.1f} s unobserved so far")
        return connection

    def _heard(self, tally: Tally, connection: _Connection, seen: Mapping[str, Any]) -> None:
        tally.heard(seen, time.monotonic())
        connection.acknowledge()
        self._keep(tally)

    def _keep(self, tally: Tally) -> None:
        """Write the record; a disk that is full for a while is no reason to stop asking."""
        record = tally.record(time.monotonic())
        try:
            self.records.write(record)
            self._unsaved = False
        except OSError as error:
            if not self._unsaved:
                self.say(f"the record can't be written: {error.filename}: {error.strerror}; going on")
            self._unsaved = True
        self.show(record)

    def _end(self, tally: Tally, connection: _Connection) -> None:
        """Let the loop end and take its last line; where none comes, what it saw since the one before is lost."""
        connection.hang_up()
        deadline = time.monotonic() + self.question.timeout_seconds + LAST_WORDS_SECONDS
        while time.monotonic() < deadline:
            line = self._next(deadline - time.monotonic())
            if line is None or line.connection is not connection:
                continue
            if line.seen is None:
                break
            tally.heard(line.seen, time.monotonic())
            if line.seen["ended"]:
                connection.close()
                return
        tally.broke()
        connection.close()

"""Asks a service again and again and says, about once a second, how often it did not answer and for how long.

Its one argument is JSON: ``url`` or ``tcp`` (ADDRESS:PORT), ``every`` and ``timeout`` in seconds, and ``failing_for``,
the seconds that the loop before this one, and nobody after it, had no answer for. Each line that it prints is JSON and
holds the sums since it began. Whoever reads a line sends one back: when standard input ends, or
nothing comes for a while, nobody listens any more, and the loop ends. It needs no root and nothing but Python.
"""

import http.client
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

TELL_SECONDS = 1.0
SILENT_SECONDS = 30.0
"""A listener answers every line. Longer than ssh needs to find out that a connection is dead (15 s)."""

LINGER_SECONDS = 10.0
"""What a question that hangs (in a name server, say) gets after the listener has gone."""

KINDS = 20
"""Kinds of errors that are told apart."""

MAX_BODY = 2**20
"""Bytes of an answer that are read."""


def wall(moment: float) -> str:
    """UTC, ISO 8601."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{whole}.{int(moment % 1 * 1000):03d}+00:00"


def get(url: str, timeout: float) -> str:
    """Ask for a page over a connection of its own; returns what was wrong with the answer, or nothing.

    Redirects are answers. A certificate is not looked at: whom one talks to is not the question here.
    """
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers={
            "Connection": "close", "User-Agent": "greenfield-probe",
        })  # fmt: skip
        answer = connection.getresponse()
        answer.read(MAX_BODY)
        return "" if 200 <= answer.status < 400 else f"HTTP {answer.status}"
    finally:
        connection.close()


def connect(place: str, timeout: float) -> str:
    """Open a TCP connection and hang up."""
    parts = urlsplit(f"//{place}")
    socket.create_connection((parts.hostname or "", parts.port or 0), timeout).close()
    return ""


def kind(error: Exception, timeout: float) -> str:
    """An error in words that are the same each time it happens."""
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, socket.gaierror):
        return f"name not resolved: {error.strerror}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error.strerror or 'handshake failed'}"
    if isinstance(error, (http.client.RemoteDisconnected, http.client.IncompleteRead)):
        return "hung up without an answer"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return f"{type(error).__name__}: {error}"[:100]


class Asker:
    """Asks, and counts what comes back."""

    def __init__(self, settings: "dict[str, Any]") -> None:
        self.settings = settings
        self.timeout = float(settings["timeout"])
        self.began, self.clock = time.time(), time.monotonic()
        # When the last good answer came. Before there is one: the beginning, or when the gap began that goes on here.
        self.good = self.clock - float(settings["failing_for"])
        self.last = self.clock
        self.failing = False
        self.asked = self.failed = 0
        self.gap, self.gap_at = 0.0, 0.0
        self.errors: dict[str, int] = {}

    def attempt(self) -> str:
        """Ask once; returns what was wrong, or nothing. An answer must be complete in time."""
        try:
            signal.setitimer(signal.ITIMER_REAL, self.timeout)
            try:
                if "url" in self.settings:
                    return get(self.settings["url"], self.timeout)
                return connect(self.settings["tcp"], self.timeout)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return kind(error, self.timeout)

    def ask(self) -> None:
        """Ask once and count it."""
        wrong = self.attempt()
        self.asked += 1
        self.last = time.monotonic()
        if (self.asked > 1 or wrong) and self.last - self.good > self.gap:
            self.gap, self.gap_at = self.last - self.good, self.began + self.good - self.clock
        self.failing = bool(wrong)
        if not wrong:
            self.good = self.last
            return
        self.failed += 1
        known = wrong if wrong in self.errors or len(self.errors) < KINDS else "other"
        self.errors[known] = self.errors.get(known, 0) + 1

    def tell(self, *, ended: bool = False) -> None:
        """Print the sums so far."""
        seen = {
            "asked": self.asked,
            "failed": self.failed,
            "longest_gap_seconds": round(self.gap, 3),
            "longest_gap_at": wall(self.gap_at) if self.gap_at else "",
            "errors": self.errors,
            "began": wall(self.began),
            "last": wall(self.began + self.last - self.clock),
            "failing_for": round(self.last - self.good, 3) if self.failing else 0.0,
            "ended": ended,
        }
        print(json.dumps(seen), flush=True)  # noqa: T201 (it is how we talk)


class Listener:
    """Whoever reads our lines."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.heard = time.monotonic()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        # Not os.read: what came with the program's own text is in this buffer already.
        while sys.stdin.buffer.readline():
            self.heard = time.monotonic()
        self.gone.set()
        time.sleep(LINGER_SECONDS)
        os._exit(1)

    @property
    def is_there(self) -> bool:
        """Whether the input is open and something came lately."""
        return not self.gone.is_set() and time.monotonic() - self.heard < SILENT_SECONDS


def over_time(_number: int, _frame: Any) -> None:
    """The time for an answer is over, whatever the question is waiting for."""
    raise TimeoutError


def main() -> None:
    """Ask until nobody listens."""
    settings = json.loads(sys.argv[1])
    signal.signal(signal.SIGALRM, over_time)
    listener, asker = Listener(), Asker(settings)
    every, told = float(settings["every"]), 0.0
    asker.tell()
    due = time.monotonic()
    while listener.is_there:
        asker.ask()
        if time.monotonic() - told >= TELL_SECONDS:
            asker.tell()
            told = time.monotonic()
        # A question that took long is not made up for: a service that comes back is not asked in a burst.
        due = max(due + every, time.monotonic())
        listener.gone.wait(due - time.monotonic())
    asker.tell(ended=True)
    os._exit(0)  # the listener may be in the middle of a read, which Python would not end with


if __name__ == "__main__":
    main()

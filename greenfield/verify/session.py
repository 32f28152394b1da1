"""One connection to a host, held for a whole acceptance run."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from greenfield.errors import VerifyError
from greenfield.model.site import Access

AGENT = (Path(__file__).parent / "agent.py").read_bytes()

BOOTSTRAP = "import sys;i=sys.stdin.buffer;exec(compile(i.read(int(i.readline())),'agent','exec'))"
"""Reads the agent's length and source from the connection and becomes it: nothing is left on the host."""

CONNECT_SECONDS = 15.0
COMMAND_SECONDS = 60.0
ROOT_UID = 0
GRACE_SECONDS = 10.0
"""What a host gets to answer after a command's own deadline, before the connection counts as lost."""


class UnreachableError(VerifyError):
    """A host can't be judged: it doesn't answer, or no longer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command did. ``started`` is by the host's clock (s since the epoch); ``ahead``: asked before its turn."""

    rc: int
    stdout: bytes
    stderr: bytes
    started: float
    seconds: float
    timed_out: bool = False
    ahead: bool = False


def ssh_options(access: Access) -> list[str]:
    """Options for ``ssh`` that pin host keys and never ask: the host is known or it is refused."""
    options = [
        "-o", "BatchMode=yes",
        "-o", "StrictHostKeyChecking=yes",
        "-o", f"UserKnownHostsFile={access.known_hosts}",
        "-o", "GlobalKnownHostsFile=/dev/null",
        "-o", f"ConnectTimeout={int(CONNECT_SECONDS)}",
        "-o", "ServerAliveInterval=5",
        "-o", "ServerAliveCountMax=3",
        "-o", "ControlPath=none",
        "-p", str(access.port),
    ]  # fmt: skip
    if access.identity_file:
        options += ["-i", access.identity_file, "-o", "IdentitiesOnly=yes"]
    return options


@dataclass(slots=True)
class Session:
    """A connection to one host, running commands as root.

    ``start`` returns at once; the first ``run`` waits for the connection. Commands may overlap. Safe to use from
    several threads.

    Attributes:
        name: the host's name in the plan.
        address: where to connect.
    """

    name: str
    address: str
    access: Access
    _process: subprocess.Popen[bytes] | None = None
    _ready: Future[Mapping[str, Any]] = field(default_factory=Future)
    _pending: dict[int, Future[Answer]] = field(default_factory=dict)
    _ahead: dict[str, deque[Future[Answer]]] = field(default_factory=lambda: defaultdict(deque))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: int = 0
    _lost: str = ""

    def start(self) -> None:
        """Open the connection without waiting for it."""
        argv = ["ssh", *ssh_options(self.access), f"{self.access.user}@{self.address}"]
        argv.append(f"sudo -n python3 -u -c {json.dumps(BOOTSTRAP)}")
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        threading.Thread(target=self._read, args=(self._process,), name=f"verify-{self.name}", daemon=True).start()
        try:
            self._send_raw(f"{len(AGENT)}\n".encode() + AGENT)
        except UnreachableError:
            return  # the reader knows ssh's own words for it

    def run(
        self, command: str, *, timeout: float = COMMAND_SECONDS, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> Answer:
        """Run a shell command as root and wait for its end.

        An answer that was fetched ahead for exactly this command is used up instead, once.

        Raises:
            UnreachableError: the host did not answer.
        """
        if not stdin and not env and (waiting := self._ahead.get(command)):
            future, ahead = waiting.popleft(), True
        else:
            future, ahead = self._submit(command, timeout, stdin, env), False
        try:
            answer = future.result(timeout + GRACE_SECONDS)
        except FutureTimeout:
            raise UnreachableError(
                f"{self.name} ({self.address}) did not answer within {timeout + GRACE_SECONDS:.0f} s: {command[:80]}",
                fix=f"check the host's load and its link, then run the acceptance of {self.name} again",
            ) from None
        return Answer(answer.rc, answer.stdout, answer.stderr, answer.started, answer.seconds, answer.timed_out, ahead)

    def answers(self) -> bool:
        """Whether the host could be reached; waits for the connection."""
        try:
            self._wait_ready()
        except UnreachableError:
            return False
        return True

    def ask_ahead(self, command: str, *, timeout: float = COMMAND_SECONDS) -> None:
        """Have a read-only command run now, so that ``run`` finds its answer later. An unreachable host is ignored."""
        try:
            self._ahead[command].append(self._submit(command, timeout, "", None))
        except UnreachableError:
            return  # the check itself will say so

    def forget_ahead(self) -> None:
        """Drop answers nobody asked for, so that none is used after the host has changed."""
        self._ahead.clear()

    def close(self) -> None:
        """End the connection and what still runs on the host."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                self._lost = self._lost or "closed"
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)

    def _submit(self, command: str, timeout: float, stdin: str, env: Mapping[str, str] | None) -> Future[Answer]:
        if self._process is None:
            self.start()
        self._wait_ready()
        future: Future[Answer] = Future()
        with self._lock:
            self._next += 1
            number = self._next
            self._pending[number] = future
        message = {"id": number, "command": command, "timeout": timeout, "stdin": stdin, "env": dict(env or {})}
        data = json.dumps(message).encode()
        self._send_raw(struct.pack(">I", len(data)) + data)
        return future

    def _wait_ready(self) -> None:
        try:
            hello = self._ready.result(CONNECT_SECONDS + GRACE_SECONDS)
        except FutureTimeout:
            raise self._unreachable("no answer after connecting") from None
        if hello.get("uid") != ROOT_UID:
            raise self._unreachable("sudo did not give root")

    def _send_raw(self, data: bytes) -> None:
        process = self._process
        if process is None or process.stdin is None or self._lost:
            raise self._unreachable(self._lost or "not connected")
        with self._lock:
            try:
                process.stdin.write(data)
                process.stdin.flush()
            except (BrokenPipeError, ValueError):
                raise self._unreachable(self._lost or "connection closed") from None

    def _unreachable(self, why: str) -> UnreachableError:
        return UnreachableError(
            f"{self.name} ({self.address}) can't be judged: {why}",
            fix=f"ssh {self.access.user}@{self.address} must work with the pinned host key, and sudo need no password",
        )

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Hand each answer to whoever waits for it, until the connection ends; then fail those who still wait."""
        assert process.stdout is not None and process.stderr is not None
        while True:
            head = process.stdout.read(4)
            if len(head) < 4:
                break
            message = json.loads(process.stdout.read(struct.unpack(">I", head)[0]))
            if message["id"] == 0:
                self._ready.set_result(message)
                continue
            with self._lock:
                future = self._pending.pop(message["id"], None)
            if future is not None:
                _settle(future, message)
        words = process.stderr.read().decode(errors="replace").strip().splitlines()
        self._lost = words[-1] if words else f"connection ended (ssh exit {process.wait()})"
        error = self._unreachable(self._lost)
        if not self._ready.done():
            self._ready.set_exception(error)
        with self._lock:
            waiting, self._pending = list(self._pending.values()), {}
        for future in waiting:
            future.set_exception(error)


def _settle(future: Future[Answer], message: Mapping[str, Any]) -> None:
    if "error" in message:
        future.set_exception(VerifyError(f"the host could not start the command: {message['error']}"))
        return
    future.set_result(
        Answer(
            rc=message["rc"],
            stdout=base64.b64decode(message["stdout"]),
            stderr=base64.b64decode(message["stderr"]),
            started=message["started"],
            seconds=message["seconds"],
            timed_out=message["timed_out"],
        )
    )


@dataclass(slots=True)
class Fleet:
    """Sessions to many hosts, opened in parallel.

    ``scouting`` names the host whose commands are sent ahead to all others, while a check that only reads runs on it;
    it is empty otherwise, because a command that changes one host must never reach another.
    """

    sessions: dict[str, Session]
    scouting: str = ""

    @classmethod
    def connect(cls, addresses: Mapping[str, str], access: Access) -> Fleet:
        """Start connecting to every host (name to address) at once; nobody waits yet."""
        fleet = cls({name: Session(name, address, access) for name, address in addresses.items()})
        for session in fleet.sessions.values():
            session.start()
        return fleet

    @classmethod
    def unconnected(cls, addresses: Mapping[str, str], access: Access) -> Fleet:
        """The same hosts for a backend that connects by itself."""
        return cls({name: Session(name, address, access) for name, address in addresses.items()})

    def ask_others(self, asked: str, command: str) -> None:
        """Send a command that ``asked`` runs to every other host, if that is the host that is scouting."""
        if not asked or asked != self.scouting:
            return
        for name, session in self.sessions.items():
            if name != asked:
                session.ask_ahead(command)

    def forget_ahead(self) -> None:
        """Drop every answer fetched ahead and not used."""
        for session in self.sessions.values():
            session.forget_ahead()

    def close(self) -> None:
        """End all connections; within a few seconds even when hosts hang."""
        started = time.monotonic()
        threads = [threading.Thread(target=session.close, daemon=True) for session in self.sessions.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.1, 12 - (time.monotonic() - started)))

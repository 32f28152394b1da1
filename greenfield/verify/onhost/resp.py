"""As much of the Redis protocol as checks need, over TLS or a unix socket."""

import socket
import ssl
from pathlib import Path
from typing import Any

REQUEST_SECONDS = 1.0


class ReplyError(Exception):
    """The server's own refusal, in its words (``MOVED 1234 10.0.0.1:6379``)."""


class Connection:
    """One connection; commands may be pipelined with ``send`` and ``receive``."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.reader = stream.makefile("rb")

    def close(self) -> None:
        """Hang up."""
        self.reader.close()
        self.stream.close()

    def send(self, *words: str) -> None:
        """Send one command without waiting for its reply."""
        parts = [word.encode() for word in words]
        lines = [b"*%d\r\n" % len(parts), *(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)]
        self.stream.sendall(b"".join(lines))

    def receive(self) -> Any:
        """Read one reply: str, int, list or None; raises ReplyError for an error reply."""
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server hung up")
        sort, rest = line[:1], line[1:-2].decode(errors="replace")
        if sort == b"-":
            raise ReplyError(rest)
        if sort == b"+":
            return rest
        if sort == b":":
            return int(rest)
        if sort == b"$":
            return None if rest == "-1" else self.reader.read(int(rest) + 2)[:-2].decode(errors="replace")
        return None if rest == "-1" else [self.receive() for _ in range(int(rest))]

    def call(self, *words: str) -> Any:
        """One command and its reply."""
        self.send(*words)
        return self.receive()


def over_tls(config: str, address: str, port: int) -> Connection:
    """Connect to a member as the user admin, whose password lies in the engine's own folder for root."""
    context = ssl.create_default_context(cafile=f"{config}/pki/ca.crt")
    plain = socket.create_connection((address, port), REQUEST_SECONDS)
    connection = Connection(context.wrap_socket(plain, server_hostname=address))
    connection.call("AUTH", "admin", Path(config, "admin.password").read_text().strip())
    return connection


def over_unix(path: str) -> Connection:
    """Connect to a server on this host."""
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(REQUEST_SECONDS)
    stream.connect(path)
    return Connection(stream)

"""Speaks to a Redis server over TLS, so that no password is ever a process argument."""

from __future__ import annotations

import socket
import ssl

NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python's ssl does not name."""


class RedisError(Exception):
    """The server refused a command, or could not be reached; the message is for people."""


class Redis:
    """One authenticated connection; use it as a context manager."""

    def __init__(self, address, port, access, *, user="admin", seconds=3.0):
        """Connect and authenticate.

        ``access`` has ``authority`` (path of the PEM), ``passwords`` (user to password) and, to reach a server whose
        certificate is past its end, ``any_time``.
        Raises RedisError.
        """
        self.address = address
        try:
            context = ssl.create_default_context(cafile=access["authority"])
            if access.get("any_time"):
                context.verify_flags = ssl.VerifyFlags(context.verify_flags | NO_CHECK_TIME)
            plain = socket.create_connection((address, port), timeout=seconds)
            self.socket = context.wrap_socket(plain, server_hostname=address)
        except OSError as error:
            raise RedisError(f"{address}:{port}: {error}") from error
        self.reader = self.socket.makefile("rb")
        try:
            self.call("AUTH", user, access["passwords"][user])
        except RedisError:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.close()

    def close(self):
        """Hang up."""
        self.reader.close()
        self.socket.close()

    def certificate(self):
        """The server's certificate as DER."""
        return self.socket.getpeercert(binary_form=True)

    def call(self, *words):
        """Send a command and return its reply (str, int, None or a list of such). Raises RedisError."""
        parts = [str(word).encode() for word in words]
        try:
            self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
            return self._reply()
        except (OSError, ValueError) as error:
            raise RedisError(f"{self.address}: {words[0]}: {error}") from error

    def _reply(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise RedisError(f"{self.address}: the connection ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            raise RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            if int(rest) < 0:
                return None
            return self.reader.read(int(rest) + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        raise RedisError(f"{self.address}: an answer that is not Redis's: {line[:40]!r}")

    def info(self, *sections):
        """INFO of the sections as one mapping."""
        lines = "".join(self.call("INFO", section) for section in sections).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

"""Tries to talk to a TLS port without a certificate of the site, and to one in plain text; says what happened."""

import json
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

SECONDS = 5.0


def talk(stream: socket.socket, request: bytes) -> bytes:
    """Send a request and read the first bytes of an answer; an empty answer is a refusal."""
    stream.sendall(request)
    return stream.recv(200)


def over_tls(settings: "dict[str, Any]") -> bytes:
    """With the site's authority but without a certificate of our own. TLS 1.3 refuses only after the handshake."""
    context = ssl.create_default_context(cafile=settings["authority"])
    context.check_hostname = False
    plain = socket.create_connection((settings["address"], settings["port"]), SECONDS)
    with plain, context.wrap_socket(plain) as stream:
        return talk(stream, settings["request"].encode())


def in_plain_text(settings: "dict[str, Any]") -> bytes:
    """Without any TLS."""
    with socket.create_connection((settings["address"], settings["port"]), SECONDS) as stream:
        return talk(stream, settings["request"].encode())


def outcome(attempt: "Callable[[dict[str, Any]], bytes]", settings: "dict[str, Any]") -> "dict[str, str]":
    """``refused``, or ``answered`` with what came back; never both."""
    try:
        answer = attempt(settings)
    except ConnectionRefusedError as error:
        return {"result": "closed", "detail": str(error)}
    except (ssl.SSLError, OSError) as error:
        return {"result": "refused", "detail": str(error)[:200]}
    if not answer:
        return {"result": "refused", "detail": "closed without an answer"}
    return {"result": "answered", "detail": answer.decode(errors="replace")[:120]}


settings = json.loads(sys.argv[1])
json.dump({"tls": outcome(over_tls, settings), "plain": outcome(in_plain_text, settings)}, sys.stdout)

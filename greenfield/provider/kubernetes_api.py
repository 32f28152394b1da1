"""A request or two to an API server, for what can't be declared to the official plugin (``taints.py``)."""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import yaml

from greenfield.errors import ProviderError

ANSWER_SECONDS = 30.0

Json = dict[str, Any]


class UnreachableError(ProviderError):
    """The cluster does not answer, or the kubeconfig does not say how to ask it."""


class NoKeyError(UnreachableError):
    """The kubeconfig has a program log in, which is not done here."""


class RefusedError(ProviderError):
    """The API server refused; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Access:
    """How a cluster is reached and who asks: of a kubeconfig's current context, a certificate or a token.

    Texts are PEM; ``key`` and ``token`` are secret and on no disk here.
    """

    server: str
    authority: str
    certificate: str
    key: str
    token: str

    @classmethod
    def of(cls, kubeconfig: str) -> Access:
        """From a kubeconfig's content, or its path.

        Raises:
            UnreachableError: it is none.
            NoKeyError: it needs a program to log in.
        """
        try:
            loaded = yaml.safe_load(kubeconfig if "\n" in kubeconfig or "{" in kubeconfig else _text(kubeconfig))
            chosen = _named(loaded["contexts"], loaded["current-context"])["context"]
            cluster = _named(loaded["clusters"], chosen["cluster"])["cluster"]
            user = _named(loaded["users"], chosen["user"])["user"]
            found = cls(
                str(cluster["server"]).rstrip("/"),
                _content(cluster, "certificate-authority"),
                _content(user, "client-certificate"),
                _content(user, "client-key"),
                str(user.get("token") or ""),
            )
        except (OSError, yaml.YAMLError, KeyError, TypeError, StopIteration, binascii.Error) as error:
            # The message may hold parts of the file, and with them credentials.
            raise UnreachableError(f"the kubeconfig is not usable ({type(error).__name__})") from None
        if not (found.token or found.key):
            raise NoKeyError(
                "the kubeconfig holds neither a client certificate nor a token",
                fix="a platform with taints needs one of them; name another kubeconfig, or leave the taints out",
            )
        return found

    def ask(self, method: str, path: str, body: Json | None = None, content: str = "application/json") -> Json:
        """One request.

        Raises:
            UnreachableError: no answer.
            RefusedError: the server refused.
        """
        headers = {"Accept": "application/json", "Content-Type": content, "User-Agent": "greenfield"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        place = urlsplit(self.server)
        connection = self._connection(place)
        try:
            connection.request(method, place.path + path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            data, status = answer.read(), answer.status
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(
                f"the cluster at {self.server} does not answer: {error}",
                fix="check that its control plane is up and that this machine reaches it",
            ) from None
        finally:
            connection.close()
        if status >= 400:
            raise RefusedError(status, _message(data) or f"{method} {path} was answered with {status}")
        found: Json = json.loads(data)
        return found

    def _connection(self, place: SplitResult) -> http.client.HTTPConnection:
        # Straight to it: the workstation's proxy is for the outside.
        if place.scheme == "http":
            return http.client.HTTPConnection(place.netloc, timeout=ANSWER_SECONDS)
        return http.client.HTTPSConnection(place.netloc, timeout=ANSWER_SECONDS, context=self.context())

    def context(self) -> ssl.SSLContext:
        """TLS with the cluster's authority and the client's certificate."""
        context = ssl.create_default_context(cadata=self.authority or None)
        if self.key:
            with _file(f"{self.certificate}\n{self.key}\n") as path:
                context.load_cert_chain(path)
        return context


def _named(entries: Any, name: str) -> Any:
    return next(each for each in entries if each["name"] == name)


def _content(entry: Mapping[str, Any], name: str) -> str:
    """What a kubeconfig holds itself, or names a file for; empty where it does neither."""
    if entry.get(f"{name}-data"):
        return base64.b64decode(entry[f"{name}-data"]).decode()
    return _text(entry[name]) if entry.get(name) else ""


def _text(path: str) -> str:
    return Path(path).expanduser().read_text(encoding="utf-8")


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return ""


@contextmanager
def _file(content: str) -> Iterator[str]:
    """A file for OpenSSL, which takes keys as files only; it is in memory (on Linux) and goes with the block."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("client"), "w") as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.NamedTemporaryFile("w") as temporary:
        temporary.write(content)
        temporary.flush()
        yield temporary.name

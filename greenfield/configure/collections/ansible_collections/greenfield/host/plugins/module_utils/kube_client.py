"""Asks a Kubernetes API with a certificate, with nothing but Python's standard library."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request

POLL_SECONDS = 0.5
REQUEST_SECONDS = 10.0

ATTEMPTS = 5
AGAIN_SECONDS = 1.0
"""The proxy on each node notices within about two seconds that a member it sent a connection to is gone."""


class KubeError(Exception):
    """The API refused or did not answer. ``status`` is 0 where there was no answer."""

    def __init__(self, message, status=0, body=None):
        super().__init__(message)
        self.status = status
        self.body = body or {}


class Kube:
    """``identity`` has server, authority, certificate and key (paths of PEM files)."""

    def __init__(self, identity):
        self.server = identity["server"]
        self.context = ssl.create_default_context(cafile=identity["authority"])
        self.context.load_cert_chain(identity["certificate"], identity["key"])

    def get(self, path, seconds=REQUEST_SECONDS):
        """An object or a list."""
        return self.call("GET", path, seconds=seconds)

    def find(self, path):
        """An object, or None where there is none."""
        try:
            return self.get(path)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def patch(self, path, body):
        """Change an object by a merge patch."""
        return self.call("PATCH", path, body, "application/merge-patch+json")

    def call(self, method, path, body=None, content="application/json", seconds=REQUEST_SECONDS):
        """Send a request and return the answer. Raises KubeError."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.server + path, data=data, method=method)
        request.add_header("Accept", "application/json")
        if data is not None:
            request.add_header("Content-Type", content)
        for left in reversed(range(ATTEMPTS)):
            try:
                with urllib.request.urlopen(request, timeout=seconds, context=self.context) as answer:
                    text = answer.read().decode()
                break
            except urllib.error.HTTPError as error:
                raise _refusal(method, path, error) from error
            except OSError as error:
                reason = getattr(error, "reason", error)
                # What creates may have been done although nobody said so; all else may be asked twice.
                if not left or method == "POST" or isinstance(reason, TimeoutError):
                    raise KubeError(f"{self.server} did not answer: {reason}") from error
            time.sleep(AGAIN_SECONDS)
        try:
            return json.loads(text)
        except ValueError:
            return {"text": text}

    def node(self, name):
        """A node, or None."""
        return self.find(f"/api/v1/nodes/{name}")


def _refusal(method, path, error):
    try:
        body = json.loads(error.read().decode())
    except ValueError:
        body = {}
    words = body.get("message") or error.reason
    causes = [cause.get("message", "") for cause in (body.get("details") or {}).get("causes") or []]
    return KubeError(f"{method} {path}: {'; '.join([words, *causes])}", error.code, body)


def condition(thing, kind):
    """The named condition of an object's status, or an empty dictionary."""
    found = [entry for entry in thing.get("status", {}).get("conditions") or [] if entry.get("type") == kind]
    return found[0] if found else {}


def is_ready(node):
    """Whether a node is ready."""
    return condition(node, "Ready").get("status") == "True"


def wait(seconds, ask):
    """Ask until the answer is empty (all well) or the deadline passes; the last answer, or error, in words."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            trouble = ask()
        except KubeError as error:
            trouble = str(error)
        if not trouble or time.monotonic() >= deadline:
            return trouble
        time.sleep(POLL_SECONDS)

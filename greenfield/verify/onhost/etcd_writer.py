"""Writes keys to etcd one after another and says which were acknowledged, when, and how long each took.

Uses the JSON gateway of a member's client port over mutual TLS, so that it needs nothing but Python. Changes to the
next endpoint when a request fails. Ends when it has run ``seconds`` (or has ``count`` acknowledged writes) and the last
acknowledgement is fresh, or after ``most_seconds``.
"""

import base64
import http.client
import itertools
import json
import ssl
import sys
import time
from typing import Any

REQUEST_SECONDS = 1.0
FRESH_SECONDS = 0.5
PAUSE_SECONDS = 0.02


def encoded(text: str) -> str:
    """As the gateway wants keys and values."""
    return base64.b64encode(text.encode()).decode()


def summary(
    acked: "list[int]", times: "list[float]", latencies: "list[float]", seconds: float, tried: int
) -> "dict[str, Any]":
    """Ranges instead of single numbers keep the evidence short."""
    gaps = [(later - earlier, earlier) for earlier, later in itertools.pairwise(times)]
    gap, since = max(gaps, default=(seconds, 0.0))
    unacked = sorted(set(range(1, tried + 1)) - set(acked))
    ordered = sorted(latencies)
    return {
        "acknowledged": len(acked),
        "tried": tried,
        "unacknowledged": unacked,
        "seconds": round(seconds, 3),
        "longest_gap_seconds": round(max(gap, seconds - times[-1]) if times else seconds, 4),
        "gap_began_at": round(since, 3),
        "p50_seconds": round(ordered[len(ordered) // 2], 5) if ordered else None,
        "p99_seconds": round(ordered[int(len(ordered) * 0.99)], 5) if ordered else None,
    }


class Writer:
    """A client that stays with one endpoint until it fails."""

    def __init__(self, settings: "dict[str, Any]") -> None:
        self.settings = settings
        self.tls = ssl.create_default_context(cafile=f"{settings['pki']}/ca.crt")
        self.tls.load_cert_chain(f"{settings['pki']}/member.crt", f"{settings['pki']}/member.key")
        self.turn = 0
        self.connection: http.client.HTTPSConnection | None = None

    def put(self, key: str, value: str) -> None:
        """One durable write; raises OSError or HTTPException when it is not acknowledged."""
        if self.connection is None:
            address = self.settings["addresses"][self.turn % len(self.settings["addresses"])]
            self.connection = http.client.HTTPSConnection(
                address, self.settings["port"], context=self.tls, timeout=REQUEST_SECONDS
            )
        body = json.dumps({"key": encoded(key), "value": encoded(value)})
        self.connection.request("POST", "/v3/kv/put", body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise http.client.HTTPException(f"{answer.status} {text[:200]!r}")

    def next(self) -> None:
        """Give up on this endpoint."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None
        self.turn += 1

    def run(self) -> "dict[str, Any]":
        """Write until it is enough; return what was acknowledged."""
        settings, number = self.settings, 0
        errors: dict[str, int] = {}
        acked: list[int] = []
        latencies: list[float] = []
        times: list[float] = []
        start = time.monotonic()
        while True:
            now = time.monotonic() - start
            enough = now >= settings["seconds"] and len(acked) >= settings.get("count", 0)
            fresh = bool(times) and now - times[-1] <= FRESH_SECONDS
            if (enough and fresh) or now >= settings["most_seconds"]:
                break
            number += 1
            began = time.monotonic()
            try:
                self.put(f"{settings['prefix']}{number:08d}", str(number))
            except (OSError, http.client.HTTPException) as error:
                words = f"{type(error).__name__}: {error}"[:120]
                errors[words] = errors.get(words, 0) + 1
                self.next()
                time.sleep(PAUSE_SECONDS)
                continue
            ended = time.monotonic()
            acked.append(number)
            times.append(ended - start)
            latencies.append(ended - began)
        found = summary(acked, times, latencies, time.monotonic() - start, number)
        return {**found, "errors": errors}


json.dump(Writer(json.loads(sys.argv[1])).run(), sys.stdout)

"""Works on keys of one slot of a Redis Cluster: writes them in turn, says which are still there, deletes them.

Changes to another member when one fails, and to the slot's owner when it is told so (MOVED). The action ``write`` ends
when it has run ``seconds`` (or has ``count`` acknowledged writes) and the last acknowledgement is fresh, or after
``most_seconds``.
"""

import itertools
import json
import sys
import time
from typing import Any

from greenfield.verify.onhost.resp import Connection, ReplyError, over_tls

FRESH_SECONDS = 0.5
PAUSE_SECONDS = 0.02
BATCH = 500


class Client:
    """A client that stays with one member until it fails or is sent on."""

    def __init__(self, settings: "dict[str, Any]") -> None:
        self.settings = settings
        self.address = str(settings["addresses"][0])
        self.turn = 0
        self.connection: Connection | None = None
        self.errors: dict[str, int] = {}

    def call(self, *words: str) -> Any:
        """One command to whom we believe the owner of the slot."""
        if self.connection is None:
            self.connection = over_tls(self.settings["config"], self.address, self.settings["port"])
        return self.connection.call(*words)

    def failed(self, error: Exception) -> None:
        """Go to the member that an error names, or to the next one."""
        kind = f"{type(error).__name__}: {str(error).partition(' ')[0]}"
        self.errors[kind] = self.errors.get(kind, 0) + 1
        if self.connection is not None:
            self.connection.close()
        self.connection = None
        if isinstance(error, ReplyError) and str(error).startswith("MOVED "):
            self.address = str(error).split()[2].rpartition(":")[0]
            return
        self.turn += 1
        self.address = str(self.settings["addresses"][self.turn % len(self.settings["addresses"])])
        time.sleep(PAUSE_SECONDS)

    def until_done(self, *words: str) -> Any:
        """One command, tried until a member does it or the time is over."""
        deadline = time.monotonic() + float(self.settings["most_seconds"])
        while True:
            try:
                return self.call(*words)
            except (OSError, ReplyError) as error:
                if time.monotonic() > deadline:
                    sys.exit(f"{words[0]}: {error}")
                self.failed(error)

    def key(self, number: int) -> str:
        """Name of the key with a number."""
        return f"{self.settings['prefix']}{number:08d}"

    def write(self) -> "dict[str, Any]":
        """Write until it is enough; return what was acknowledged."""
        settings, number = self.settings, 0
        acked: list[int] = []
        times: list[float] = []
        latencies: list[float] = []
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
                self.call("SET", self.key(number), str(number))
            except (OSError, ReplyError) as error:
                self.failed(error)
                continue
            ended = time.monotonic()
            acked.append(number)
            times.append(ended - start)
            latencies.append(ended - began)
        found = summary(acked, times, latencies, time.monotonic() - start, number)
        return {**found, "errors": self.errors}

    def held(self) -> "dict[str, Any]":
        """Which of the first ``tried`` numbers are missing or wrong."""
        missing = []
        for first in range(1, self.settings["tried"] + 1, BATCH):
            numbers = range(first, min(first + BATCH, self.settings["tried"] + 1))
            values = self.until_done("MGET", *(self.key(number) for number in numbers))
            missing += [number for number, value in zip(numbers, values, strict=True) if value != str(number)]
        return {"missing": missing}

    def forget(self) -> "dict[str, Any]":
        """Delete the first ``tried`` numbers."""
        deleted = 0
        for first in range(1, self.settings["tried"] + 1, BATCH):
            numbers = range(first, min(first + BATCH, self.settings["tried"] + 1))
            deleted += self.until_done("UNLINK", *(self.key(number) for number in numbers))
        return {"deleted": deleted}


def summary(
    acked: "list[int]", times: "list[float]", latencies: "list[float]", seconds: float, tried: int
) -> "dict[str, Any]":
    """What the writer saw; gaps are between acknowledgements."""
    gaps = [(later - earlier, earlier, place) for place, (earlier, later) in enumerate(itertools.pairwise(times), 1)]
    gap, since, before = max(gaps, default=(seconds, 0.0, 0))
    ordered = sorted(latencies)
    return {
        "acknowledged": len(acked),
        "tried": tried,
        "unacknowledged": sorted(set(range(1, tried + 1)) - set(acked)),
        "seconds": round(seconds, 3),
        "longest_gap_seconds": round(max(gap, seconds - times[-1]) if times else seconds, 4),
        "gap_began_at": round(since, 3),
        "acknowledged_before_gap": before,
        "p50_seconds": round(ordered[len(ordered) // 2], 5) if ordered else None,
        "p99_seconds": round(ordered[int(len(ordered) * 0.99)], 5) if ordered else None,
    }


def main() -> None:
    """Entry point."""
    settings = json.loads(sys.argv[1])
    client = Client(settings)
    actions = {"write": client.write, "held": client.held, "forget": client.forget}
    json.dump(actions[settings["action"]](), sys.stdout)


main()

"""Runs on a node: asks a Kubernetes API, watches it through a loss, or times it. One setting, in JSON; prints JSON.

``curl`` is on no host, and ``kubectl`` only on the control plane.
"""

import http.client
import json
import ssl
import sys
import time
from typing import Any

PAUSE_SECONDS = 0.05
BODY_CHARACTERS = 2000


def connection(settings: "dict[str, Any]") -> http.client.HTTPSConnection:
    """A connection to the API, as nobody unless a certificate is named."""
    context = ssl.create_default_context(cafile=settings["authority"])
    if settings.get("certificate"):
        context.load_cert_chain(settings["certificate"], settings["key"])
    return http.client.HTTPSConnection(
        settings["address"], settings["port"], timeout=settings.get("timeout", 5.0), context=context
    )


def request(line: http.client.HTTPSConnection, method: str, path: str, body: Any = None) -> "tuple[int, str]":
    """Status and text of an answer."""
    text = json.dumps(body) if body is not None else None
    line.request(method, path, text, {"Content-Type": "application/json"} if text else {})
    answer = line.getresponse()
    return answer.status, answer.read().decode(errors="replace")


def ask(settings: "dict[str, Any]") -> "list[dict[str, Any]]":
    """What each path answers; status 0 when nothing does."""
    found = []
    for path in settings["paths"]:
        try:
            status, body = request(connection(settings), "GET", path)
        except OSError as error:
            status, body = 0, str(error)
        found.append({"path": path, "status": status, "body": body[:BODY_CHARACTERS]})
    return found


def watch(settings: "dict[str, Any]") -> "dict[str, Any]":
    """Read one path over and over, each time on a new connection: how many failed, the longest time without success."""
    (path,) = settings["paths"]
    began = last = time.monotonic()
    asked, gap, errors = 0, 0.0, []
    while time.monotonic() - began < settings["seconds"]:
        asked += 1
        try:
            status, body = request(connection(settings), "GET", path)
            trouble = "" if status == 200 else f"{status} {body[:200]}"
        except (OSError, http.client.HTTPException) as error:
            trouble = str(error) or type(error).__name__
        now = time.monotonic()
        if trouble:
            errors.append(trouble)
        else:
            gap, last = max(gap, now - last), now
        time.sleep(PAUSE_SECONDS)
    gap = max(gap, time.monotonic() - last)
    return {"asked": asked, "failed": len(errors), "errors": errors[:3], "longest_gap_seconds": round(gap, 3)}


def quantiles(seconds: "list[float]") -> "dict[str, float]":
    """Median, 99th percentile and the longest."""
    ranked = sorted(seconds)
    last = len(ranked) - 1
    return {
        "p50_seconds": round(ranked[last // 2], 6),
        "p99_seconds": round(ranked[min(last, int(len(ranked) * 0.99))], 6),
        "most_seconds": round(ranked[last], 6),
    }


def clock(settings: "dict[str, Any]") -> "dict[str, Any]":
    """Create objects one by one in a namespace, then read each: how long single requests take."""
    (path,) = settings["paths"]
    line = connection(settings)
    writes: list[float] = []
    reads: list[float] = []
    for kind, seconds in (("POST", writes), ("GET", reads)):
        for number in range(settings["count"]):
            name = f"{settings['name']}-{number}"
            body = {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name},
                "data": {"number": str(number)},
            }
            began = time.monotonic()
            if kind == "POST":
                status, text = request(line, "POST", path, body)
            else:
                status, text = request(line, "GET", f"{path}/{name}")
            seconds.append(time.monotonic() - began)
            if status not in (200, 201):
                sys.exit(f"{kind} {path}: {status} {text[:300]}")
    return {"writes": quantiles(writes), "reads": quantiles(reads)}


def main() -> None:
    """Entry point."""
    settings = json.loads(sys.argv[1])
    do = {"ask": ask, "watch": watch, "clock": clock}[settings["do"]]
    json.dump(do(settings), sys.stdout)


if __name__ == "__main__":
    main()

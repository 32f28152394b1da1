"""How slow this machine is just now, beside the one that times in this project's documents were taken on."""

from __future__ import annotations

import time

USUAL_SECONDS = 0.115
"""What the loop takes on the machines that records are made on: least of many, two cores idle."""

TRIES = 5
MOST = 4.0
"""A machine that is slower still is not what times were made for: then patience ends."""


def slowness() -> float:
    """1 on a machine of the usual speed or a faster one, 2 where everything takes twice as long."""
    return min(MOST, max(1.0, min(_loop() for _ in range(TRIES)) / USUAL_SECONDS))


def _loop() -> float:
    began = time.perf_counter()
    total = 0
    for number in range(2_000_000):
        total += number & 7
    return time.perf_counter() - began

"""How a lab's hosts are, for people and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["running", "frozen", "stopped", "absent"]


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host now. ``absent``: the lab has not made it. ``faults``: what stands against it or its rack."""

    name: str
    rack: str
    address: str
    state: State
    memory_used_bytes: int
    memory_bytes: int
    uptime_seconds: float
    faults: tuple[str, ...]

"""How an engine's health is asked before and after some of its members change."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from greenfield.configure import Target
from greenfield.model.packed import unpack


@dataclass(frozen=True, slots=True)
class Gate:
    """An engine whose health is asked before and after a batch, on the first of ``targets`` that answers."""

    engine: str
    role: str
    common: Mapping[str, Any]
    targets: tuple[Target, ...]

    @classmethod
    def parse(cls, text: str) -> Gate:
        """A gate from its JSON text, as programs declare it."""
        gate = json.loads(text)
        targets = tuple(Target(t["name"], t["address"], t["variables"]) for t in gate["targets"])
        return cls(gate["engine"], gate["role"], unpack(gate["common"]), targets)

    def members_on(self, hosts: Collection[str]) -> list[str]:
        """Names of the engine's members on these hosts, and of those that it is told of as another engine's."""
        told = [value["members"] for value in self.common.values() if isinstance(value, dict) and "members" in value]
        members = [*self.common[f"{self.role}_members"], *(member for each in told for member in each)]
        return [member["name"] for member in members if member["host"] in hosts]

"""What the scenarios of engines do again and again: run an entry on some members, and change what they are run with."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any, TypeVar

from patience import patience
from scenario import Layer, Scenarios, succeeded

from greenfield.configure.job import HostResult, JobResult
from greenfield.plan.certificates import certificate_subjects

T = TypeVar("T")


class Engine:
    """One engine of the plan in a scenario; hosts are named by their members."""

    def __init__(self, scenarios: Scenarios, role: str) -> None:
        self.scenarios = scenarios
        self.role = role
        self.layer: Layer = scenarios.layer(role)
        self.hosts = {member["name"]: member["host"] for member in self.layer.common[f"{role}_members"]}
        self.addresses = {member["name"]: member["address"] for member in self.layer.common[f"{role}_members"]}
        self.name: str = self.layer.common[f"{role}_cluster"]
        self.unit = f"greenfield-{role}-{self.name}.service"

    def on(self, *members: str, **variables: Any) -> Layer:
        """The layer on the hosts of some members (all, when none is named), with some variables replaced."""
        hosts = [self.hosts[member] for member in members or self.hosts]
        targets = tuple(target for target in self.layer.targets if target.name in hosts)
        return dataclasses.replace(self.layer, targets=targets, common={**self.layer.common, **variables})

    def run(self, *members: str, entry: str = "main", check: bool = False, **variables: Any) -> JobResult:
        """Run an entry; failed hosts are in the result."""
        return self.scenarios.run(self.role, self.on(*members, **variables), entry=entry, check=check)

    def renewed(self, member: str) -> tuple[Layer, str]:
        """The layer on one member's host with a new certificate of the same authority, and that certificate."""
        layer, plan = self.on(member), self.scenarios.plan
        (target,) = layer.targets
        cell = next(cell for cell in plan.cells if cell.layer == self.name and target.name in cell.hosts)
        certificate, key = self.scenarios._authority.issue(certificate_subjects(plan, cell)[target.name])
        own = {f"{self.role}_certificate": certificate, f"{self.role}_private_key": key}
        target = dataclasses.replace(target, variables={**target.variables, **own})
        return dataclasses.replace(layer, targets=(target,)), certificate

    def one(self, member: str, *, entry: str = "main", check: bool = False, **variables: Any) -> HostResult:
        """Run an entry on one member's host, which must succeed."""
        result = succeeded(self.run(member, entry=entry, check=check, **variables))
        return result.hosts[self.hosts[member]]


def eventually(look: Callable[[], T | None], *, seconds: float, what: str) -> tuple[T, float]:
    """The first answer of ``look`` that is not None, and how long it took.

    Fails with ``what`` after so many seconds of the machine of the figures.
    """
    started = time.monotonic()
    while True:
        answer = look()
        passed = time.monotonic() - started
        if answer is not None:
            return answer, passed
        assert passed < patience(seconds), f"after {passed:.0f} s: {what}"
        time.sleep(0.1)

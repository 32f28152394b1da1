"""How an engine's health is asked before and after some of its members change."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from greenfield.configure import Connection, HostResult, Job, JobResult, Target
from greenfield.errors import GreenfieldError, ProviderError
from greenfield.model.packed import unpack
from greenfield.provider.session import Session

BEFORE_SECONDS = 15
"""A settled engine is healthy at once; this is patience for an election that happens to run just then."""

FRESH_SECONDS = 5
"""How long what a gate said after a batch answers for it before the next one too: asking takes as long."""


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


@dataclass(frozen=True, slots=True)
class Moment:
    """When gates are asked around a batch of a cell.

    Attributes:
        down: hosts whose members may be down then.
    """

    when: Literal["before", "after"]
    cell: str
    urn: str
    connection: Connection
    down: Collection[str] = frozenset()


Answers = Sequence[tuple[Job, JobResult]]
"""What was asked in the batch's own run of Ansible, and what was said."""


class ShutError(GreenfieldError):
    """The gate before a batch did not open."""


class Gatekeeper:
    """Asks the health of the engines around one layer's batches, and remembers when each was last seen whole."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._whole: dict[str, float] = {}
        """When each engine was last seen whole, every member, after a batch; by the monotonic clock."""

    async def let_pass(self, gate: Gate, moment: Moment, answers: Answers = ()) -> None:
        """Ask the engine's health; members that are expected to be down may be.

        Raises:
            ShutError: it is not healthy before the batch.
            ProviderError: it is not healthy after it.
        """
        seen = self._whole.get(gate.engine, float("-inf"))
        if moment.when == "before" and time.monotonic() - seen < FRESH_SECONDS:
            return
        message, unformed = "no member's host answered", False
        for target in gate.targets:
            result, asked = await self._ask(question(gate, target, moment), moment.urn, answers)
            if not result.failed and result.facts.get("formed", True):
                if moment.when == "after" and not _excepted(gate, moment):
                    self._whole[gate.engine] = asked
                return
            if not result.failed:
                unformed = True
                continue
            message = result.message
            if result.status == "failed":
                break
        else:
            # Nobody who answers knows of a formed engine, so there is nothing yet that a change could disturb.
            if unformed:
                return
        raise _refusal(gate, moment, message)

    async def _ask(self, job: Job, urn: str, answers: Answers) -> tuple[HostResult, float]:
        """What the job's host says and when it did: taken from the answers where just this was asked before."""
        told = next((result for asked, result in answers if asked == job), None)
        if told is None:
            told = await self._session.run(job, urn)
        return told.hosts[job.targets[0].name], told.ended


def question(gate: Gate, target: Target, moment: Moment) -> Job:
    """The job that asks one member's host for the engine's health."""
    common = {
        **gate.common,
        f"{gate.role}_health_except": _excepted(gate, moment),
        f"{gate.role}_health_changing": True,
    }
    if moment.when == "before":
        common[f"{gate.role}_health_deadline_seconds"] = BEFORE_SECONDS
    name = f"{gate.engine} health {moment.when} {moment.cell}"
    return Job(name, (gate.role,), (target,), moment.connection, common, "health")


def _excepted(gate: Gate, moment: Moment) -> list[str]:
    return [*gate.common.get(f"{gate.role}_health_except", []), *gate.members_on(moment.down)]


def _refusal(gate: Gate, moment: Moment, message: str) -> GreenfieldError:
    if moment.when == "before":
        return ShutError(
            f"{gate.engine} is not healthy, so its next member is not touched: {message}",
            fix="bring the member back (or replace its host) and run again",
        )
    return ProviderError(
        f"{gate.engine} is not healthy after {moment.cell}; the rollout stops here: {message}",
        fix="mend the engine, then run again; the racks behind were not touched",
    )

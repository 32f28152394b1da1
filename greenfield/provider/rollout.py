"""One layer's changes in one run: creates run side by side, updates one rack at a time behind a health gate.

Bootstrap and rolling change want opposite orders: a quorum can't form one member at a time, and must not restart two at
a time (docs/architecture.md, "Cells").
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from greenfield.configure import Connection, HostResult, Job, JobResult, Target
from greenfield.errors import GreenfieldError, InterruptedRunError, ProviderError
from greenfield.provider.gate import Gate, Gatekeeper, Moment, ShutError, question
from greenfield.provider.session import Session

HOST_LAYER = "host"

QUIET_SECONDS = 0.4
"""Cells that the engine sends within this of each other run together; the engine sends ready resources at once."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The hosts of one cell that change.

    Attributes:
        standing: hosts of the batch that stood well before; members on the others may be down before the batch.
        gated: whether a host of it carries a member already, so that its turn and the gates must be waited for.
        entry: the entry point of the roles.
        one_by_one: whether its hosts go one after the other where the engine stands; a new one must not be waited for
            by those that start side by side, and a cluster takes in one at a time.
    """

    urn: str
    cell: str
    layer: str
    roles: tuple[str, ...]
    targets: tuple[Target, ...]
    connection: Connection
    common: Mapping[str, Any]
    gates: tuple[Gate, ...] = ()
    standing: frozenset[str] = frozenset()
    gated: bool = False
    entry: str = "main"
    check: bool = False
    one_by_one: bool = False


@dataclass(slots=True)
class _Queue:
    waiting: list[tuple[Batch, asyncio.Future[Mapping[str, HostResult]]]] = field(default_factory=list)
    worker: asyncio.Task[None] | None = None


class Rollout:
    """The changes of one layer (``host`` or one engine)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._together = _Queue()
        self._in_turn = _Queue()
        self._broken = ""
        self._stands = False
        self._gatekeeper = Gatekeeper(session)

    async def side_by_side(self, batch: Batch) -> Mapping[str, HostResult]:
        """Run with every other batch that comes at the same time, in one Ansible run (creates, drift checks)."""
        return await self._enqueue(self._together, batch, self._run_together)

    async def in_turn(self, batch: Batch) -> Mapping[str, HostResult]:
        """Run after the batches before it, behind the gates (updates).

        Raises:
            ProviderError: an earlier batch failed, or a gate did not open.
        """
        self._stands = True
        return await self._enqueue(self._in_turn, batch, self._run_in_turn)

    async def _enqueue(self, queue: _Queue, batch: Batch, work: Any) -> Mapping[str, HostResult]:
        future: asyncio.Future[Mapping[str, HostResult]] = asyncio.get_running_loop().create_future()
        queue.waiting.append((batch, future))
        if queue.worker is None or queue.worker.done():
            queue.worker = asyncio.ensure_future(self._drain_queue(queue, work))
        return await future

    async def _drain_queue(self, queue: _Queue, work: Any) -> None:
        while queue.waiting:
            await _quiet(queue)
            taken, queue.waiting = queue.waiting, []
            try:
                await work(taken)
            # Whatever went wrong belongs to every caller that still waits, never to a lost background task.
            except BaseException as error:
                for _, future in taken:
                    if not future.done():
                        future.set_exception(error)
                if not isinstance(error, Exception):
                    raise

    async def _run_together(self, taken: Sequence[tuple[Batch, asyncio.Future[Any]]]) -> None:
        groups: dict[str, list[tuple[Batch, asyncio.Future[Any]]]] = {}
        for batch, future in taken:
            groups.setdefault(f"{batch.roles} {batch.entry} {batch.check} {batch.connection}", []).append(
                (batch, future)
            )
        for group in groups.values():
            merged = _merge([batch for batch, _ in group])
            hosts, _ = await self._converge(merged)
            for batch, future in group:
                if not future.done():
                    future.set_result({target.name: hosts[target.name] for target in batch.targets})

    async def _run_in_turn(self, taken: Sequence[tuple[Batch, asyncio.Future[Any]]]) -> None:
        """A batch whose gate is shut goes last: one of the others may bring back the member that keeps it shut."""
        # Members that are made in this run join before those that stand are touched, so that no gate meets half a join.
        if self._together.worker is not None:
            await asyncio.wait([self._together.worker])
        fresh = [item for item in taken if not item[0].gated and not self._broken]
        if fresh:
            await self._mend(fresh)
        waiting = sorted((item for item in taken if item not in fresh), key=lambda item: item[0].cell)
        while waiting:
            put_off: list[tuple[Batch, asyncio.Future[Any], GreenfieldError]] = []
            for batch, future in waiting:
                try:
                    future.set_result(await self._one(batch))
                except ShutError as shut:
                    put_off.append((batch, future, shut))
                except GreenfieldError as error:
                    self._broken = self._broken or f"{batch.cell}: {error.message}"
                    future.set_exception(error)
            if len(put_off) == len(waiting):
                for batch, future, reason in put_off:
                    future.set_exception(ProviderError(f"{batch.cell}: {reason.message}", fix=reason.fix))
                return
            waiting = [(batch, future) for batch, future, _ in put_off]

    async def _mend(self, fresh: Sequence[tuple[Batch, asyncio.Future[Any]]]) -> None:
        """Hosts that carry nothing yet go first and together: they may bring back what keeps the gates shut."""
        await self._run_together(fresh)
        for batch, future in fresh:
            failed = [] if future.cancelled() else [host.host for host in future.result().values() if host.failed]
            if failed:
                self._broken = self._broken or f"{batch.cell}: {failed[0]} failed"

    async def _one(self, batch: Batch) -> Mapping[str, HostResult]:
        if self._broken:
            raise ProviderError(
                f"{batch.cell} was not touched, because the rollout stopped at {self._broken}",
                fix="mend that first and run again; hosts that are done are not touched again",
            )
        for gate in batch.gates:
            await self._gatekeeper.let_pass(gate, self._moment(batch, "before"))
        # The first to be asked of each engine is asked in the batch's own run, for a run of Ansible costs seconds.
        after = self._moment(batch, "after")
        questions = tuple(question(gate, gate.targets[0], after) for gate in batch.gates if gate.targets)
        hosts, answers = await self._converge(batch, questions)
        failed = [host for host in hosts.values() if host.failed]
        if failed:
            self._broken = f"{batch.cell}: {failed[0].host} failed"
            return hosts
        try:
            for gate in batch.gates:
                # What may be down can have changed while the batch ran: then its answer is to another question.
                await self._gatekeeper.let_pass(gate, self._moment(batch, "after"), answers)
        except GreenfieldError as error:
            # Marked as failed, so that the run that mends it finds the gate open for just these hosts.
            self._broken = f"{batch.cell}: {error.message}"
            return {name: replace(host, status="failed", message=str(error)) for name, host in hosts.items()}
        return hosts

    async def _converge(
        self, batch: Batch, questions: tuple[Job, ...] = ()
    ) -> tuple[Mapping[str, HostResult], list[tuple[Job, JobResult]]]:
        """Run a batch and then what is to be asked. When it is ended in the middle all its hosts count as failed.

        Nobody knows what they have, or whether the engines bear it.
        """
        try:
            result = await self._session.run(_job(batch, questions, stands=self._stands), batch.urn)
        except InterruptedRunError as error:
            if batch.check:
                raise
            return {t.name: HostResult(t.name, "failed", message=error.message) for t in batch.targets}, []
        answers = [(job, result.then[job.name]) for job in questions if job.name in result.then]
        return {name: _with_log(host, result.log) for name, host in result.hosts.items()}, answers

    def _moment(self, batch: Batch, when: Literal["before", "after"]) -> Moment:
        return Moment(when, batch.cell, batch.urn, batch.connection, self._down(batch, when))

    def _down(self, batch: Batch, moment: str) -> set[str]:
        """Hosts whose members may be down around a batch: before it, those that it mends.

        The host layer of a host that was replaced comes long before its members do, so there they stay down after it,
        and those of other such hosts are down too. That is no reason to wait for a batch of which no host stands; one
        that could take a standing member along has to wait.
        """
        mended = {target.name for target in batch.targets if target.name not in batch.standing}
        if batch.layer == HOST_LAYER and not batch.standing:
            return mended | self._session.mending
        return mended if moment == "before" else set()


async def _quiet(queue: _Queue) -> None:
    seen = -1
    while seen != len(queue.waiting):
        seen = len(queue.waiting)
        await asyncio.sleep(QUIET_SECONDS)


def _merge(batches: Sequence[Batch]) -> Batch:
    """Several cells' batches as one; variables that are common to all of them stay common."""
    if len(batches) == 1:
        return batches[0]
    first = batches[0]
    same = json.dumps(first.common, sort_keys=True)
    if all(json.dumps(batch.common, sort_keys=True) == same for batch in batches):
        targets = tuple(target for batch in batches for target in batch.targets)
        common = first.common
    else:
        targets = tuple(
            Target(target.name, target.address, {**batch.common, **target.variables})
            for batch in batches
            for target in batch.targets
        )
        common = {}
    return replace(first, cell=first.layer, targets=targets, common=common)


def _job(batch: Batch, questions: tuple[Job, ...], *, stands: bool) -> Job:
    name = f"{batch.cell}{' check' if batch.check else ''}"
    serial = 1 if batch.one_by_one and stands and not batch.check else 0
    return Job(
        name,
        batch.roles,
        batch.targets,
        batch.connection,
        batch.common,
        batch.entry,
        batch.check,
        serial,
        questions,
    )


def _with_log(result: HostResult, log: str) -> HostResult:
    return replace(result, message=f"{result.message}\n    full log: {log}") if result.failed else result


def host_error(result: HostResult) -> str:
    """A failed host in words: the host, the task, and what it said."""
    if result.status == "unreachable":
        return f"{result.host}: did not answer over SSH: {result.message}"
    where = f' in task "{result.failed_task}"' if result.failed_task else ""
    return f"{result.host}: failed{where}: {result.message}"

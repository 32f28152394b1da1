"""What all resources of one run share: the engine's display, the lock of the site, the preflight and Ansible's slots.

The plugin is one process per ``pulumi`` run, so this is where the run is one thing.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from greenfield import configure, state
from greenfield.configure import Event, Job, JobResult
from greenfield.errors import ConfigureError, ProviderError
from greenfield.provider.display import Display

ANSIBLE_PROCESSES = max(2, os.cpu_count() or 2)
"""Ansible is bound by the controller's CPU (docs/performance.md), so more runs than cores only slow each other."""

ENDING_SECONDS = 60.0
"""A plugin whose Pulumi was killed ends its Ansible runs before it lets go of the site; that takes a second or two."""

ENDING_POLL_SECONDS = 0.2


class Session:
    """One run of the plugin."""

    def __init__(self, display: Display) -> None:
        self.display = display
        self.stopped = False
        self.mending: set[str] = set()
        """Hosts whose host layer is laid down anew in this run; what they carry comes back after it."""
        self.quarantined: set[str] | None = None
        """Hosts that must not be touched in this run; None where it was not told (``pulumi destroy``)."""
        self._slots = asyncio.Semaphore(ANSIBLE_PROCESSES)
        self._lock_file: TextIO | None = None
        self._gates: dict[str, str] = {}
        self._begin: Callable[[str], None] | None = None
        self._begun: set[str] = set()
        self._left: list[Callable[[str, Sequence[str]], None]] = []
        self._preflight: Callable[[], Awaitable[None]] | None = None
        self._preflight_task: asyncio.Task[None] | None = None

    def set_preflight(self, check: Callable[[], Awaitable[None]]) -> None:
        """Name the read-only check that must pass before the first change. Running it is left to ``before_change``."""
        self._preflight = check

    def set_begin(self, begin: Callable[[str], None]) -> None:
        """Name what is to be done before the first change of a layer, once nothing is in its way."""
        self._begin = begin

    def add_left(self, left: Callable[[str, Sequence[str]], None]) -> None:
        """Name what is to be done once an engine has left hosts; a program may have several clusters."""
        self._left.append(left)

    def left(self, engine: str, hosts: Sequence[str]) -> None:
        """Say that an engine has left hosts.

        Raises:
            PlanError: the placement record can't be written.
        """
        for each in self._left:
            each(engine, hosts)

    def set_gates(self, gates: Mapping[str, str]) -> None:
        """Learn how engines' health is asked: name to JSON text. Cells only name the gates they wait for."""
        self._gates.update(gates)

    def gate(self, name: str) -> str:
        """How an engine's health is asked.

        Raises:
            ProviderError: this run was not told, as it leaves out the resource that tells.
        """
        if name not in self._gates:
            raise ProviderError(
                f"how the health of {name} is asked is not known in this run, so none of its hosts is touched",
                fix="run on the whole stack, or add the cluster's Preflight to --target",
            )
        return self._gates[name]

    async def before_change(self, site: str, layer: str = "") -> None:
        """Take the site's lock and pass the preflight, once a run; then say, once a layer, that its hosts change.

        Raises:
            ProviderError: another run holds the site, or the preflight found something wrong.
            PlanError: the placement record can't be written.
        """
        await self._lock(site)
        if self._preflight is None:
            return
        if self._preflight_task is None:
            self._preflight_task = asyncio.ensure_future(self._run_preflight(self._preflight))
        await asyncio.shield(self._preflight_task)
        if layer and self._begin and layer not in self._begun:
            self._begun.add(layer)
            self._begin(layer)

    @staticmethod
    async def _run_preflight(check: Callable[[], Awaitable[None]]) -> None:
        await check()

    async def run(self, job: Job, urn: str) -> JobResult:
        """Run a job in a thread, bounded by the slots, with its progress in Pulumi's display.

        Raises:
            ConfigureError: the session was stopped before, so nothing was touched; or what ``configure.run`` raises.
        """
        async with self._slots:
            if self.stopped:
                raise ConfigureError(f"{job.name}: not begun, as the run is cancelled", fix="run it again")
            started = time.monotonic()

            def show(event: Event) -> None:
                seconds = time.monotonic() - started
                self.display.progress(
                    urn,
                    f"{event.job}  {event.done}/{event.hosts} hosts  task {event.task} {event.name}  {seconds:.0f} s",
                )

            return await asyncio.to_thread(configure.run, job, on_event=show, cancelled=lambda: self.stopped)

    def stop(self) -> None:
        """End running jobs soon; each host keeps what it has and the next run goes on."""
        self.stopped = True

    async def _lock(self, site: str) -> None:
        """Take the site's lock; wait for what is left of a run that was killed, and for no other."""
        deadline = time.monotonic() + ENDING_SECONDS
        holder = f"pid {os.getppid()} of {getpass.getuser()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
        while self._lock_file is None:
            try:
                # Held until the process ends: the kernel then lets go of it, however the process ended.
                self._lock_file = state.lock(site, holder)
            except state.HeldError as error:
                if _is_running(error.holder) or time.monotonic() > deadline:
                    raise ProviderError(
                        f"another run is changing site {site}: {error.holder}",
                        fix="wait until it ends, or end it; nothing was changed by this run",
                    ) from None
                await asyncio.sleep(ENDING_POLL_SECONDS)

    def close(self) -> None:
        """Let go of the site's lock."""
        with contextlib.suppress(OSError):
            if self._lock_file is not None:
                self._lock_file.close()
                self._lock_file = None


def _is_running(holder: str) -> bool:
    """Whether the Pulumi that a holder of the lock named is there; one that gave no name counts as running."""
    named = re.match(r"pid (\d+) ", holder)
    return named is None or Path(f"/proc/{named[1]}").exists()

"""``greenfield:index:Preflight``: what must be true before a host is touched. It only reads.

It is asked once a run, and only when something is going to change: every host answers, with the host key that was
pinned at enrolment, and the mirror holds what the lock names.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from greenfield.errors import ProviderError
from greenfield.plan import record_begin, record_left
from greenfield.provider import hostkeys
from greenfield.provider.resource import Call, Difference, Resource, Values
from greenfield.provider.session import Session

RUN_ONLY = ("gates", "cluster", "versions")
"""Inputs that are no outputs."""


class Preflight(Resource):
    """Inputs: ``site``, ``hosts`` (name to address), ``port``, ``knownHosts``, ``quarantined``, ``specFolder``,
    ``mirror``, ``gates``, ``cluster``, ``versions``.

    ``mirror`` is the served folder when it lies on the workstation, else the mirror's URL. ``gates`` (name to JSON: who
    is asked for an engine's health, and how) are for the cells of the run; they are no outputs. ``versions`` (engine to
    version) are entered in the cluster's placement record as begun, each right before the first change of its hosts:
    a run that touches none of them must not stand in the way of going back to the version before.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def check(self, inputs: Values) -> list[tuple[str, str]]:
        """Remember the inputs for the run; an empty set of hosts is refused."""
        if not inputs.get("hosts"):
            return [("hosts", "no hosts: a cluster needs at least one")]
        self._session.set_gates(inputs.get("gates") or {})
        self._session.set_preflight(lambda: _preflight(inputs))
        self._session.set_begin(lambda layer: _begin(inputs, layer))
        self._session.quarantined = {*(self._session.quarantined or ()), *(inputs.get("quarantined") or ())}
        if inputs.get("cluster"):
            folder, cluster = Path(inputs["specFolder"]), inputs["cluster"]
            self._session.add_left(lambda engine, hosts: record_left(folder, cluster, engine, hosts))
        return []

    def diff(self, old: Values, inputs: Values) -> Difference:
        """Only who is looked at makes a difference; where things lie on this workstation does not."""
        keys = ("site", "hosts", "quarantined")
        return Difference(tuple(key for key in keys if old.get(key) != inputs.get(key)))

    async def create(self, call: Call, inputs: Values) -> Values:
        """Look at every host and the mirror."""
        if not call.preview:
            await self._session.before_change(inputs["site"])
        return {key: value for key, value in inputs.items() if key not in RUN_ONLY}

    async def update(self, call: Call, old: Values, inputs: Values) -> Values:
        """Look again."""
        return await self.create(call, inputs)


def _begin(inputs: Values, layer: str) -> None:
    version = (inputs.get("versions") or {}).get(layer)
    if version:
        record_begin(Path(inputs["specFolder"]), inputs["cluster"], layer, version)


async def _preflight(inputs: Values) -> None:
    await asyncio.to_thread(_mirror, inputs)
    hosts = {name: address for name, address in inputs["hosts"].items() if name not in inputs.get("quarantined", [])}
    findings = await hostkeys.compare(hosts, int(inputs["port"]), Path(inputs["knownHosts"]))
    if not findings:
        return
    lines = [f"{name} {finding.text}" for name, finding in findings.items()]
    silent = [name for name, finding in findings.items() if finding.kind == "silent"]
    if len(silent) == len(findings):
        names = ",".join(silent)
        fix = (
            f"bring it back, or go on without it: greenfield up SPEC --quarantine {names} "
            f"(in a program of your own: pulumi config set greenfield:quarantine {names})"
        )
    else:
        fix = (
            "if the machine was replaced, pin its new key: greenfield enroll SPEC --replace HOST; "
            "if nobody replaced it, somebody may be in between"
        )
    answered = len(hosts) - len(silent)
    raise ProviderError(
        "\n".join(lines) + f"\n  nothing was changed on any host. Reachable: {answered} of {len(hosts)}.", fix=fix
    )


def _mirror(inputs: Values) -> None:
    from greenfield.artifacts import load_lock, verify_mirror

    lock = load_lock(Path(inputs["specFolder"]))
    if lock is None:
        raise ProviderError(
            f"there is no mirror.lock.json in {inputs['specFolder']}, so nothing says what hosts may install",
            fix=f"greenfield mirror sync {inputs['specFolder']}",
        )
    verify_mirror(lock, Path(inputs["mirror"]))

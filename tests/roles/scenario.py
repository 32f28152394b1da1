"""Runs a role on all of its hosts the way a delivery does, and judges that it converges, settles and can be checked."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

from authority import TestAuthority

from greenfield.configure import run
from greenfield.configure.job import Connection, Job, JobResult, Target
from greenfield.engines import ENGINES
from greenfield.plan.certificates import certificate_subjects
from greenfield.plan.desired import engine_common, host_layer_common, host_variables
from greenfield.plan.plan import HOST_LAYER, HOST_ROLES, Cell, Plan

ROLES_IN_ORDER = (*HOST_ROLES, *(kind.role for kind in ENGINES.values()))
"""The order of scenarios: each stands on those before it."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """What a role is run with: every host it belongs on, and the variables that all of them share."""

    targets: tuple[Target, ...]
    common: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A scenario that held. ``first`` is the converge of all hosts, ``again`` the second, ``checked`` the dry run."""

    layer: Layer
    first: JobResult
    again: JobResult
    checked: JobResult


class Scenarios:
    """Knows what each role of the plan is run with, and runs it once for all tests of a session."""

    def __init__(self, plan: Plan, facts: Mapping[str, Any]) -> None:
        """``facts`` is what the plan can't know: the mirror's key and digests, files, passwords."""
        self.plan = plan
        self._facts = facts
        self._authority = TestAuthority()
        self._layers: dict[str, Layer] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._prepared: set[str] = set()

    def layer(self, role: str) -> Layer:
        """What a role is run with; the same certificates each time."""
        name = HOST_LAYER if role in HOST_ROLES else self._engine(role)
        if name not in self._layers:
            cells = [cell for cell in self.plan.cells if cell.layer == name]
            targets = tuple(self._target(cell, host, role) for cell in cells for host in cell.hosts)
            self._layers[name] = Layer(targets, self._common(name, role))
        return self._layers[name]

    def run(self, role: str, layer: Layer, *, entry: str = "main", check: bool = False) -> JobResult:
        """Run one entry point of a role; also of several (``"baseline,pki"``)."""
        access = self.plan.site.access
        connection = Connection(access.user, access.known_hosts, access.identity_file, access.port)
        return run(
            Job(f"scenario {role}", tuple(role.split(",")), layer.targets, connection, layer.common, entry, check)
        )

    def __call__(self, role: str, *, form: bool = False) -> Outcome:
        """Converge a role on all its hosts, once more, and in check mode; the second and third must change nothing.

        Args:
            form: also run the entry ``form`` on the first host after each converge, as engines need.
        """
        if role not in self._outcomes:
            self._prepare(role)
            layer = self.layer(role)
            first = self._converge(role, layer, form)
            again = self._converge(role, layer, form)
            assert_unchanged(again, "a second run")
            checked = succeeded(self.run(role, layer, check=True))
            assert_unchanged(checked, "check mode")
            self._prepared.add(role)
            self._outcomes[role] = Outcome(layer, first, again, checked)
        return self._outcomes[role]

    def _converge(self, role: str, layer: Layer, form: bool) -> JobResult:
        result = succeeded(self.run(role, layer))
        report(role, result)
        if not form:
            return result
        formed = succeeded(self.run(role, dataclasses.replace(layer, targets=layer.targets[:1]), entry="form"))
        return dataclasses.replace(
            result, hosts={**result.hosts, f"form on {layer.targets[0].name}": formed.hosts[layer.targets[0].name]}
        )

    def _prepare(self, role: str) -> None:
        """Converge the roles that this one stands on, unless their own scenarios did: for a test that is run alone."""
        needed = HOST_ROLES if role not in HOST_ROLES else HOST_ROLES[: HOST_ROLES.index(role)]
        missing = [name for name in needed if name not in self._prepared]
        if missing:
            succeeded(self.run(",".join(missing), self.layer(HOST_ROLES[0])))
            self._prepared.update(missing)

    def _engine(self, role: str) -> str:
        found = [name for name, spec in self.plan.cluster.engines.items() if ENGINES[spec.kind].role == role]
        assert len(found) == 1, f"the site of the role tests has {len(found)} engines of the role {role}"
        return found[0]

    def _common(self, name: str, role: str) -> dict[str, Any]:
        if name == HOST_LAYER:
            own = {key: value for key, value in self._facts.items() if key.startswith("baseline_")}
            return host_layer_common(self.plan, {**own, "pki_authority": self._authority.certificate})
        own = {key: value for key, value in self._facts.items() if key.startswith(f"{role}_")}
        return engine_common(self.plan, name, {**own, f"{role}_authority": self._authority.certificate})

    def _target(self, cell: Cell, host: str, role: str) -> Target:
        prefix = "pki" if cell.layer == HOST_LAYER else role
        certificate, key = self._authority.issue(certificate_subjects(self.plan, cell)[host])
        own = {f"{prefix}_certificate": certificate, f"{prefix}_private_key": key}
        address = self.plan.site.hosts[host].address
        return Target(host, address, {**host_variables(self.plan, cell, host), **own})


def succeeded(result: JobResult) -> JobResult:
    """The result, when no host failed; an assertion that says which did, where and why otherwise."""
    failures = [f"{host.host}: {host.failed_task}: {host.message}" for host in result.hosts.values() if host.failed]
    assert not failures, "\n".join([*failures, f"log: {result.log}"])
    return result


def assert_unchanged(result: JobResult, what: str) -> None:
    """Every host ended as it was; names the tasks that changed something otherwise."""
    changed = {host.host: host.changed_tasks for host in result.hosts.values() if host.status != "ok"}
    assert not changed, f"{what} must change nothing, but changed {changed}; log: {result.log}"


def report(role: str, result: JobResult) -> None:
    """Say how long it took: shown for failed tests, and for all with ``pytest -s``."""
    hosts = len(result.hosts)
    each = result.executions / hosts
    print(f"{time.strftime('%T')} {role}: {hosts} hosts, {result.seconds:.1f} s, {each:.0f} executions a host")

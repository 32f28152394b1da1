"""What a host lets in, what listens on it, and what a neighbour reaches. Nothing here changes a host."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import pytest

from greenfield.verify.firewall import merged, opened, policy
from greenfield.verify.listeners import listeners
from greenfield.verify.probe import probe_command, reached

pytestmark = pytest.mark.reads_only


@pytest.mark.control("HOST-022")
def test_firewall_drops_by_default(host):
    state = host.check_output("systemctl is-enabled nftables.service 2>/dev/null || true")
    assert state == "enabled", f"nftables.service is {state or 'absent'}"
    assert policy(host) == "drop", "the input policy is accept"


@pytest.mark.control("HOST-023")
def test_firewall_opens_exactly_the_planned_ports(host, desired):
    planned = merged((entry["port"], source) for entry in desired["baseline_ports"] for source in entry["sources"])
    found = merged(opened(host))
    assert found == planned, f"also open: {sorted(found - planned)}; still closed: {sorted(planned - found)}"


@pytest.mark.control("HOST-024")
def test_nothing_unplanned_listens(host, desired):
    planned = _streams(desired)
    found = [one for one in listeners(host) if one.reachable]
    unplanned = [str(one) for one in found if one.port not in planned]
    assert not unplanned, ", ".join(unplanned)
    missing = planned - {one.port for one in found}
    assert not missing, f"planned, but nothing listens: {sorted(missing)}"


@pytest.mark.control("HOST-025")
def test_a_neighbour_reaches_only_what_is_planned(planned, acceptance, reach, control):
    timeout = control.thresholds["timeout"]
    plan = acceptance.subject.plan
    tries = {name: _attempt(name, plan, acceptance.subject.desired) for name in plan.hosts}
    # A dropped packet costs the whole timeout, so all hosts try at once.
    acceptance.ask_ahead(
        (t.neighbour, probe_command(plan.hosts[name].host.address, t.ports, timeout)) for name, t in tries.items()
    )
    own = tries[planned.host.name]
    found = reached(reach(own.neighbour), planned.host.address, own.ports, timeout)
    assert found == own.wanted, f"{own.neighbour} reaches {sorted(found)}, planned {sorted(own.wanted)}"


def _streams(desired):
    """Planned TCP ports; whether a UDP port answers only its own protocol could tell."""
    return {entry["port"] for entry in desired["baseline_ports"] if entry.get("protocol", "tcp") == "tcp"}


UNPLANNED = (23, 111, 323, 3306, 8080, 9999)
"""Ports that no plan opens: telnet, portmapper, chrony's control, a database, a web server, one at random."""


@dataclass(frozen=True)
class Attempt:
    """What a host's neighbour tries on it, and what should answer."""

    neighbour: str
    ports: tuple[int, ...]
    wanted: frozenset[int]


def _attempt(name, plan, all_desired):
    names = list(plan.hosts)
    neighbour = names[(names.index(name) + 1) % len(names)]
    address = ip_address(plan.hosts[neighbour].host.address)
    planned = {
        entry["port"]: any(address in ip_network(source) for source in entry["sources"])
        for entry in all_desired[name]["baseline_ports"]
        if entry["port"] in _streams(all_desired[name])
    }
    return Attempt(
        neighbour,
        tuple(sorted({*planned, *UNPLANNED})),
        frozenset(port for port, may in planned.items() if may),
    )

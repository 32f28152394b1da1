"""What hosts hold on to until members have left."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from cell_shape import Hosts, cell_on, host, inputs

from greenfield.configure import HostResult
from greenfield.errors import ProviderError
from greenfield.provider.held import held
from greenfield.provider.resource import Call

CALL = Call("urn:pulumi:s::p::greenfield:index:Cell::host-workers-r1", "host-workers-r1")
SSH = {"port": 22, "purpose": "ssh", "sources": ["10.0.0.0/24"]}
KUBELET = {"port": 10250, "purpose": "nodes kubelet", "sources": ["10.0.1.1/32", "10.0.2.1/32"]}


def layer(*ports: dict[str, Any], leaving: tuple[str, ...] = (), **variables: Any) -> dict[str, Any]:
    """A host layer of one host that opens these ports."""
    own = {"h1": host("h1", baseline_ports=list(ports), **variables)}
    return inputs(layer="host", roles=["baseline"], hosts=own, leaving=list(leaving))


def created(wanted: dict[str, Any]) -> dict[str, Any]:
    """The state of a cell that was made."""
    return asyncio.run(cell_on(Hosts()).create(CALL, wanted))


def test_a_host_keeps_its_ports_until_the_member_has_left_and_gives_them_up_then() -> None:
    state = created(layer(SSH, KUBELET))
    first, then = layer(SSH, leaving=("nodes on h1",)), layer(SSH)
    difference = cell_on(Hosts()).diff(state, first)
    assert difference.paths == ()
    assert difference.reasons == ("h1: open as before until these have left: nodes on h1",)
    # What other inputs make of the cell, for example its gates, changes nothing of that.
    hosts = Hosts()
    state = asyncio.run(cell_on(hosts).update(CALL, state, first))
    assert hosts.jobs == []
    hosts = Hosts()
    state = asyncio.run(cell_on(hosts).update(CALL, state, then))
    assert hosts.jobs[0].targets[0].variables["baseline_ports"] == [SSH]
    assert cell_on(Hosts()).diff(state, then).paths == ()


def test_what_comes_is_opened_beside_what_leaves() -> None:
    """A member that moves: its new host is let in before its old one is shut out."""
    moved = {**KUBELET, "sources": ["10.0.1.1/32", "10.0.3.1/32"]}
    hosts = Hosts()
    asyncio.run(cell_on(hosts).update(CALL, created(layer(SSH, KUBELET)), layer(SSH, moved, leaving=("nodes on h2",))))
    (opened,) = [entry for entry in hosts.jobs[0].targets[0].variables["baseline_ports"] if entry["port"] == 10250]
    assert set(opened["sources"]) == {"10.0.1.1/32", "10.0.2.1/32", "10.0.3.1/32"}


def test_a_run_that_was_killed_in_between_goes_on_where_it_was() -> None:
    """The state tells what the host has, so that nothing is closed too early and nothing stays open for good."""
    grown = {**KUBELET, "sources": [*KUBELET["sources"], "10.0.3.1/32"]}
    leaving = layer(SSH, {**grown, "sources": grown["sources"][1:]}, leaving=("nodes on h9",))
    state = asyncio.run(cell_on(Hosts()).update(CALL, created(layer(SSH, KUBELET)), leaving))
    assert cell_on(Hosts()).diff(state, leaving).paths == ()
    assert cell_on(Hosts()).diff(state, {**leaving, "leaving": []}).paths == ('hosts["h1"]',)


@pytest.mark.parametrize(
    ("variable", "was", "now", "meanwhile"),
    [
        ("baseline_peers", [{"name": "a"}, {"name": "b"}], [{"name": "a"}], [{"name": "a"}, {"name": "b"}]),
        ("baseline_peers", [{"name": "a"}], [{"name": "b"}], [{"name": "b"}, {"name": "a"}]),
        ("baseline_sysctls", {"net.ipv4.ip_forward": "1"}, {}, {"net.ipv4.ip_forward": "1"}),
        ("baseline_transparent_hugepage", "never", "", "never"),
        ("baseline_open_files", 65536, 1024, 65536),
        ("baseline_open_files", 1024, 65536, 65536),
    ],
)
def test_names_and_settings_are_kept_like_ports(variable: str, was: Any, now: Any, meanwhile: Any) -> None:
    both, _ = held(created(layer(SSH, **{variable: was})), layer(SSH, leaving=("kv on h1",), **{variable: now}))
    assert json.loads(both["hosts"]["h1"])["variables"][variable] == meanwhile


def test_hosts_that_are_new_and_layers_of_engines_hold_nothing() -> None:
    wanted = layer(SSH, leaving=("kv on h1",))
    assert held({}, wanted) == (wanted, [])
    engine = inputs("h1")
    assert held(created(inputs("h1", "h2")), engine) == (engine, [])


def test_a_member_is_said_to_have_left_when_it_is_gone() -> None:
    """Not before: a drain that fails leaves everything open."""
    told: list[tuple[str, str]] = []
    state = created(inputs("h1", "h2"))
    stuck, well = Hosts(lambda job, name: HostResult(name, "failed")), Hosts()
    for hosts in (stuck, well):
        hosts.set_left(lambda engine, name: told.append((engine, name)))
    with pytest.raises(ProviderError, match="drain stopped"):
        asyncio.run(cell_on(stuck).update(CALL, state, inputs("h1")))
    assert told == []
    asyncio.run(cell_on(well).update(CALL, state, inputs("h1")))
    assert told == [("kv", "h2")]

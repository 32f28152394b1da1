"""What hosts hold on to until members have left."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from cell_shape import Hosts, cell_on, host, inputs

from greenfield.configure import HostResult
from greenfield.errors import ProviderError
from greenfield.model.packed import as_json, pack, unpack
from greenfield.provider.held import held
from greenfield.provider.resource import Call

CALL = Call("urn:pulumi:s::p::greenfield:index:Cell::host-workers-r1", "host-workers-r1")
SSH = {"port": 22, "purpose": "ssh", "sources": ["10.0.0.0/24"]}
KUBELET = {"port": 10250, "purpose": "nodes kubelet", "sources": ["10.0.1.1/32", "10.0.2.1/32"]}
A, B = ({"name": name, "address": f"10.0.{number}.1"} for number, name in enumerate("ab"))


def layer(*ports: dict[str, Any], leaving: tuple[str, ...] = (), **variables: Any) -> dict[str, Any]:
    """A host layer of one host that opens these ports."""
    own = {"h1": host("h1", baseline_ports=list(ports), **variables)}
    return inputs(layer="host", roles=["baseline"], hosts=own, leaving=list(leaving))


def created(wanted: dict[str, Any]) -> dict[str, Any]:
    """The state of a cell that was made."""
    return asyncio.run(cell_on(Hosts()).create(CALL, wanted))


def test_a_host_keeps_its_ports_until_the_member_has_left_and_gives_them_up_then() -> None:
    state = created(layer(SSH, KUBELET))
    first, then = layer(SSH, leaving=("nodes",)), layer(SSH)
    difference = cell_on(Hosts()).diff(state, first)
    assert difference.paths == ()
    assert difference.reasons == ("h1: open as before until these have left: nodes",)
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
    asyncio.run(cell_on(hosts).update(CALL, created(layer(SSH, KUBELET)), layer(SSH, moved, leaving=("nodes",))))
    (opened,) = [entry for entry in hosts.jobs[0].targets[0].variables["baseline_ports"] if entry["port"] == 10250]
    assert set(opened["sources"]) == {"10.0.1.1/32", "10.0.2.1/32", "10.0.3.1/32"}


def test_a_run_that_was_killed_in_between_goes_on_where_it_was() -> None:
    """The state tells what the host has, so that nothing is closed too early and nothing stays open for good."""
    grown = {**KUBELET, "sources": [*KUBELET["sources"], "10.0.3.1/32"]}
    leaving = layer(SSH, {**grown, "sources": grown["sources"][1:]}, leaving=("nodes",))
    state = asyncio.run(cell_on(Hosts()).update(CALL, created(layer(SSH, KUBELET)), leaving))
    assert cell_on(Hosts()).diff(state, leaving).paths == ()
    assert cell_on(Hosts()).diff(state, {**leaving, "leaving": []}).paths == ('hosts["h1"]',)


@pytest.mark.parametrize(
    ("variable", "was", "now", "meanwhile"),
    [
        ("baseline_peers", [A, B], [A], [A, B]),
        ("baseline_peers", [A], [B], [B, A]),
        ("baseline_sysctls", {"net.ipv4.ip_forward": "1"}, {}, {"net.ipv4.ip_forward": "1"}),
        ("baseline_transparent_hugepage", "never", "", "never"),
        ("baseline_open_files", 65536, 1024, 65536),
        ("baseline_open_files", 1024, 65536, 65536),
    ],
)
def test_names_and_settings_are_kept_like_ports(variable: str, was: Any, now: Any, meanwhile: Any) -> None:
    both, _ = held(created(layer(SSH, **{variable: was})), layer(SSH, leaving=("kv",), **{variable: now}))
    assert json.loads(both["hosts"]["h1"])["variables"][variable] == meanwhile


def test_hosts_that_are_new_and_layers_of_engines_hold_nothing() -> None:
    wanted = layer(SSH, leaving=("kv",))
    assert held({}, wanted) == (wanted, [])
    engine = inputs("h1")
    assert held(created(inputs("h1", "h2")), engine) == (engine, [])


def test_a_member_is_said_to_have_left_when_it_is_gone() -> None:
    """Not before: a drain that fails leaves everything open."""
    told: list[tuple[str, ...]] = []
    state = created(inputs("h1", "h2"))
    stuck, well = Hosts(lambda job, name: HostResult(name, "failed")), Hosts()
    for hosts in (stuck, well):
        hosts.add_left(lambda engine, names: told.append((engine, *names)))
    with pytest.raises(ProviderError, match="drain stopped"):
        asyncio.run(cell_on(stuck).update(CALL, state, inputs("h1")))
    assert told == []
    asyncio.run(cell_on(well).update(CALL, state, inputs("h1")))
    assert told == [("kv", "h2")]


def test_ports_that_engines_have_nothing_to_do_with_are_closed_at_once() -> None:
    """A network that may no longer log in must not be able to because something leaves meanwhile."""
    wide = {**SSH, "sources": ["10.0.0.0/24", "10.9.0.0/24"]}
    other = {**KUBELET, "purpose": "kv client"}
    both, holding = held(created(layer(wide, KUBELET, other)), layer(SSH, leaving=("nodes",)))
    assert json.loads(both["hosts"]["h1"])["variables"]["baseline_ports"] == [SSH, KUBELET]
    assert holding == ["h1"]


def test_what_hosts_share_stays_shared() -> None:
    """Forty hosts with a thousand peers: united once, and in the state once."""
    peers = [{"name": f"h{number}", "address": f"10.1.{number // 250}.{number % 250}"} for number in range(1000)]
    names = [peer["name"] for peer in peers[:40]]
    own = {name: host(name, data_disk_disks=[name]) for name in names}
    many = inputs(layer="host", roles=["baseline"], hosts=own, common=pack({"baseline_peers": peers}))
    fewer = {**many, "common": pack({"baseline_peers": peers[:-1]}), "leaving": ["kv"]}
    both, holding = held(created(many), fewer)
    assert holding == names
    assert unpack(both["common"]) == {"baseline_peers": peers}
    assert both["hosts"] == {name: as_json(json.loads(text)) for name, text in own.items()}


def test_a_host_that_comes_beside_those_that_hold_on_gets_what_is_planned() -> None:
    old = {**inputs(layer="host", hosts={"h1": host("h1")}, common=pack({"baseline_ports": [SSH, KUBELET]}))}
    new = {**old, "hosts": {**old["hosts"], "h2": host("h2")}, "common": pack({"baseline_ports": [SSH]})}
    both, holding = held(created(old), {**new, "leaving": ["nodes"]})
    assert holding == ["h1"]
    assert json.loads(both["hosts"]["h2"])["variables"] == {"baseline_ports": [SSH]}
    assert json.loads(both["hosts"]["h1"])["variables"] == {}


def test_a_member_on_a_host_in_quarantine_has_yet_to_leave() -> None:
    """Nothing talks to it. Who is in quarantine this run says, and the state where a run says nothing."""
    state = created(inputs("h1", "h2"))
    told: list[str] = []
    hosts = Hosts()
    hosts.add_left(lambda engine, names: told.extend(names))
    after = asyncio.run(cell_on(hosts).update(CALL, state, inputs("h1", quarantined=["h2"])))
    assert set(after["hosts"]) == {"h1", "h2"}
    for of_this_run, expected in ((None, ["h1"]), ({"h1"}, ["h2"]), (set(), ["h1", "h2"])):
        hosts, left = Hosts(), []
        hosts.quarantined = of_this_run
        hosts.add_left(lambda engine, names, left=left: left.extend(names))
        asyncio.run(cell_on(hosts).delete(CALL, {**inputs("h1", quarantined=["h2"]), **after}))
        assert left == expected
        assert hosts.ran() == [f"{entry} {name}" for entry in ("drain", "remove") for name in expected]
    assert told == []

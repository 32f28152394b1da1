"""Hosts that lost what they carried, and engines that begin anew."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cell_shape import Hosts, cell_on, failed, gate, inputs

from greenfield.configure import HostResult
from greenfield.provider.resource import Call, PartialFailureError

CALL = Call("urn:pulumi:s::p::greenfield:index:Cell::kv-r1", "kv-r1")


def _created(wanted: dict[str, Any]) -> dict[str, Any]:
    return asyncio.run(cell_on(Hosts()).create(CALL, wanted))


def test_a_host_that_lost_the_layer_is_laid_down_anew_without_waiting_for_a_gate() -> None:
    """Its gate could stay shut for ever: where all members are lost, none is left that would answer."""
    hosts = Hosts(lambda job, name: HostResult(name, "changed", facts={"lost": True} if job.check else {}))
    hosts.set_gates({"orders/kv": gate("h1", "h2", "h3")})
    wanted = inputs("h1", gates=["orders/kv"])
    state = _created(wanted)
    seen = asyncio.run(cell_on(hosts).read(CALL, {**wanted, **state}))
    assert seen["digests"] == {"h1": "lost"}
    assert cell_on(hosts).diff(seen, wanted).reasons == ("~ h1: its host has lost all of it",)
    after = asyncio.run(cell_on(hosts).update(CALL, seen, wanted))
    assert hosts.ran() == ["main h1", "main h1"]
    assert after["digests"] == state["digests"]
    assert hosts.jobs[-1].targets[0].variables["etcd_formed"], "its role knows that the cluster stood before"


def test_bare_hosts_of_several_racks_are_laid_down_together() -> None:
    """Where many hosts were replaced, none waits for the others, nor for engines that may have gone with them."""
    hosts = Hosts(lambda job, name: HostResult(name, "changed", facts={"lost": True} if job.check else {}))
    hosts.set_gates({"orders/kv": gate("h1", "h2", "h3")})
    cell = cell_on(hosts)
    calls = {name: Call(f"{CALL.urn}-{name}", name) for name in ("h1", "h2")}
    wanted = {name: inputs(name, layer="host", rack=name, gates=["orders/kv"]) for name in calls}

    async def life() -> None:
        states = {name: await cell.create(calls[name], wanted[name]) for name in calls}
        seen = {name: await cell.read(calls[name], {**wanted[name], **states[name]}) for name in calls}
        del hosts.jobs[:]
        await asyncio.gather(*(cell.update(calls[name], seen[name], wanted[name]) for name in calls))

    asyncio.run(life())
    assert hosts.ran() == ["main h1 h2"]


def test_a_host_that_never_carried_the_layer_is_told_so() -> None:
    hosts = Hosts()
    asyncio.run(cell_on(hosts).create(CALL, inputs("h1")))
    assert not hosts.jobs[0].targets[0].variables["etcd_formed"]


def test_a_host_that_failed_is_still_known_to_have_stood() -> None:
    """Its role would else begin a new engine in the old one's place in the next run."""
    wanted = inputs("h1")
    state = {**_created(wanted), "digests": {"h1": "lost"}}
    hosts = Hosts(lambda job, name: failed(name, "nobody answers"))
    with pytest.raises(PartialFailureError) as failure:
        asyncio.run(cell_on(hosts).update(CALL, state, wanted))
    assert failure.value.state["digests"] == {}
    hosts = Hosts()
    asyncio.run(cell_on(hosts).update(CALL, failure.value.state, wanted))
    assert hosts.jobs[-1].targets[0].variables["etcd_formed"]


def test_only_the_engine_that_is_named_begins_from_a_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "kv.db"
    snapshot.write_bytes(b"data")
    told = []
    for engine in ("other", "kv"):
        monkeypatch.setenv("GREENFIELD_RESTORE", f"{engine}={snapshot}")
        hosts = Hosts()
        asyncio.run(cell_on(hosts).create(CALL, inputs("h1")))
        told.append(hosts.jobs[0].targets[0].variables.get("etcd_restore"))
    assert told == [None, str(snapshot)]

"""A cell through its life: create, update, look, take away."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from cell_shape import Hosts, cell_on, failed, gate, host, inputs

from greenfield.configure import HostResult, Job
from greenfield.errors import ProviderError
from greenfield.model.packed import pack
from greenfield.provider.resource import Call, PartialFailureError
from greenfield.provider.values import UNKNOWN

CALL = Call("urn:pulumi:s::p::greenfield:index:Cell::kv-r1", "kv-r1")
PREVIEW = Call(CALL.urn, CALL.name, preview=True)


def _created(wanted: dict[str, Any]) -> dict[str, Any]:
    return asyncio.run(cell_on(Hosts()).create(CALL, wanted))


def _updated(hosts: Hosts, state: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    return asyncio.run(cell_on(hosts).update(CALL, state, wanted))


def test_create_converges_every_host_and_a_second_run_none() -> None:
    hosts = Hosts()
    wanted = inputs("h1", "h2")
    state = asyncio.run(cell_on(hosts).create(CALL, wanted))
    assert hosts.ran() == ["main h1 h2"]
    assert set(state["digests"]) == {"h1", "h2"}
    assert cell_on(hosts).diff(state, wanted).paths == ()


def test_a_preview_opens_no_connection_and_knows_no_digest() -> None:
    hosts = Hosts()
    wanted = inputs("h1")
    state = asyncio.run(cell_on(hosts).create(PREVIEW, wanted))
    assert state["digests"] is UNKNOWN
    changed = inputs("h1", content="decade")
    state = asyncio.run(cell_on(hosts).update(PREVIEW, _created(wanted), changed))
    assert state["digests"] is UNKNOWN
    assert "authority" not in state
    assert hosts.jobs == []


def test_update_goes_only_to_the_host_that_differs() -> None:
    state = _created(inputs("h1", "h2"))
    wanted = inputs("h1", "h2")
    wanted["hosts"]["h2"] = host("h2", etcd_member="other")
    difference = cell_on(Hosts()).diff(state, wanted)
    assert difference.paths == ('hosts["h2"]',)
    assert difference.reasons == ("~ h2: etcd_member h2 → other",)
    hosts = Hosts()
    after = _updated(hosts, state, wanted)
    assert hosts.ran() == ["main h2"]
    assert after["digests"]["h1"] == state["digests"]["h1"]
    assert after["digests"]["h2"] != state["digests"]["h2"]


def test_a_layer_begins_only_where_a_host_is_about_to_change() -> None:
    wanted, hosts = inputs("h1"), Hosts()
    asyncio.run(cell_on(hosts).create(PREVIEW, wanted))
    assert hosts.begun == []
    state = asyncio.run(cell_on(hosts).create(CALL, wanted))
    assert hosts.begun == [wanted["layer"]]
    _updated(hosts, state, wanted)
    assert len(hosts.begun) == 1
    _updated(hosts, state, inputs("h1", content="decade"))
    assert hosts.begun == [wanted["layer"]] * 2


def test_a_change_of_the_connection_touches_no_host() -> None:
    state = _created(inputs("h1"))
    moved = inputs("h1")
    moved["connection"] = {**moved["connection"], "port": 2222}
    assert cell_on(Hosts()).diff(state, moved).paths == ("connection",)
    hosts = Hosts()
    after = _updated(hosts, state, moved)
    assert hosts.jobs == []
    assert after["connection"]["port"] == 2222


def test_an_authority_that_is_not_known_yet_changes_the_cell_but_does_not_replace_it() -> None:
    state = _created(inputs("h1"))
    for unknown in ({"authority": UNKNOWN}, {"authority": {"certificate": UNKNOWN, "privateKey": UNKNOWN}}):
        difference = cell_on(Hosts()).diff(state, inputs("h1", **unknown))
        assert difference.paths
        assert difference.replaces == ()
    difference = cell_on(Hosts()).diff(state, inputs("h1", secrets={"etcd_passwords": UNKNOWN}))
    assert difference.paths
    assert difference.replaces == ()


@pytest.mark.parametrize("key", ["layer", "rack"])
def test_another_layer_or_rack_is_another_cell(key: str) -> None:
    difference = cell_on(Hosts()).diff(_created(inputs("h1")), inputs("h1", **{key: "other"}))
    assert difference.replaces == (key,)


def test_an_empty_cell_is_refused() -> None:
    assert cell_on(Hosts()).check(inputs())
    assert not cell_on(Hosts()).check(inputs("h1"))
    assert not cell_on(Hosts()).check(inputs(quarantined=["h1"]))


def test_a_cell_whose_hosts_are_all_in_quarantine_is_made_without_them() -> None:
    hosts = Hosts()
    state = asyncio.run(cell_on(hosts).create(CALL, inputs(quarantined=["h1"])))
    assert hosts.jobs == []
    assert state["digests"] == {}
    assert cell_on(hosts).diff(state, inputs("h1")).reasons == ("~ h1: joins",)


def test_a_host_that_fails_is_named_and_the_others_are_kept() -> None:
    hosts = Hosts(lambda job, name: failed(name) if name == "h2" else HostResult(name, "changed"))
    wanted = inputs("h1", "h2")
    with pytest.raises(PartialFailureError) as caught:
        asyncio.run(cell_on(hosts).create(CALL, wanted))
    assert list(caught.value.state["digests"]) == ["h1"]
    assert 'h2: failed in task "Install": no space left' in str(caught.value)
    assert "1 of 2 hosts of this cell are done" in str(caught.value)
    again = Hosts()
    after = _updated(again, caught.value.state, wanted)
    assert again.ran() == ["main h2"]
    assert set(after["digests"]) == {"h1", "h2"}


def test_a_host_that_drifted_is_mended_though_its_member_is_down() -> None:
    """The gate is asked, but not for the member that this very batch brings back."""
    wanted = inputs("h1", gates=["orders/kv"])
    state = {**_created(wanted), "digests": {"h1": "drifted"}}
    down = {"m-h1"}

    def behave(job: Job, name: str) -> HostResult:
        if job.entry == "main":
            down.clear()
        shut = job.entry == "health" and down - set(job.common["etcd_health_except"])
        return failed(name, "m-h1 is down") if shut else HostResult(name, "changed")

    hosts = Hosts(behave)
    hosts.set_gates({"orders/kv": gate("h1", "h2", "h3")})
    after = _updated(hosts, state, wanted)
    assert hosts.ran() == ["health h1", "main h1", "health h1"]
    assert after["digests"]["h1"] not in ("", "drifted")


def test_without_knowing_how_to_ask_an_engines_health_no_member_of_it_is_touched() -> None:
    wanted = inputs("h1", gates=["orders/kv"])
    hosts = Hosts()
    with pytest.raises(ProviderError, match="health of orders/kv is asked is not known"):
        _updated(hosts, {**_created(wanted), "digests": {"h1": "old"}}, wanted)
    assert hosts.jobs == []


def test_what_is_told_in_a_table_is_the_same_as_what_is_told_in_full() -> None:
    """A state that an earlier version wrote makes no host change."""
    members = [{"name": f"m-{number}", "host": f"h{number}"} for number in range(40)]
    packed = inputs("h1", common=pack({"etcd_members": members}))
    full = inputs("h1", common=json.dumps({"etcd_members": members}))
    assert "$rows" in packed["common"]
    hosts = Hosts()
    assert _updated(hosts, _created(full), packed)["digests"] == _created(packed)["digests"]
    assert hosts.jobs == []
    assert _job(packed).common["etcd_members"] == members


def _job(wanted: dict[str, Any]) -> Job:
    hosts = Hosts()
    asyncio.run(cell_on(hosts).create(Call("urn", "kv-r1"), wanted))
    return hosts.jobs[0]


def test_a_look_finds_drift_and_changes_nothing() -> None:
    def behave(job: Job, name: str) -> HostResult:
        assert job.check
        return (
            HostResult(name, "changed", ("Lay down files", "Lay down files"))
            if name == "h2"
            else HostResult(name, "ok")
        )

    wanted = inputs("h1", "h2")
    state = _created(wanted)
    hosts = Hosts(behave)
    seen = asyncio.run(cell_on(hosts).read(CALL, {**wanted, **state}))
    assert seen["digests"] == {"h1": state["digests"]["h1"], "h2": "drifted"}
    assert hosts.warnings == ["drift on h2: Lay down files"]
    difference = cell_on(hosts).diff(seen, wanted)
    assert difference.reasons == ("~ h2: drifted from its desired state",)
    assert {key: value for key, value in seen.items() if key not in ("digests", "authority")} == {
        key: value for key, value in state.items() if key != "digests"
    }


def test_a_host_that_does_not_answer_a_look_has_not_drifted() -> None:
    state = _created(inputs("h1"))
    hosts = Hosts(lambda job, name: failed(name, "timed out", "unreachable"))
    seen = asyncio.run(cell_on(hosts).read(CALL, {**inputs("h1"), **state}))
    assert seen["digests"] == state["digests"]
    assert "its drift is not known" in hosts.warnings[0]


def test_a_look_leaves_out_hosts_in_quarantine_and_hosts_that_failed() -> None:
    def behave(job: Job, name: str) -> HostResult:
        return failed(name) if name == "h3" else HostResult(name, "ok")

    with pytest.raises(PartialFailureError) as caught:
        asyncio.run(cell_on(Hosts(behave)).create(CALL, inputs("h1", "h2", "h3")))
    wanted = inputs("h1", "h3", quarantined=["h2"])
    with pytest.raises(PartialFailureError) as again:
        _updated(Hosts(behave), caught.value.state, wanted)
    hosts = Hosts()
    seen = asyncio.run(cell_on(hosts).read(CALL, {**wanted, **again.value.state}))
    assert hosts.ran() == ["main h1"]
    assert "h3" in seen["faults"]


def test_members_that_leave_are_drained_before_they_are_removed_and_keep_their_data() -> None:
    state = _created(inputs("h1", "h2", "h3"))
    hosts = Hosts()
    after = _updated(hosts, state, inputs("h1"))
    assert hosts.ran() == ["drain h2", "drain h3", "remove h2", "remove h3"]
    assert {job.common["etcd_wipe"] for job in hosts.jobs} == {False}
    assert set(after["digests"]) == {"h1"}


def test_a_drain_that_fails_stops_before_anything_is_removed() -> None:
    state = _created(inputs("h1", "h2", "h3"))
    hosts = Hosts(lambda job, name: failed(name, "would lose the quorum") if name == "h3" else HostResult(name, "ok"))
    with pytest.raises(ProviderError, match=r"drain stopped at h3: failed .*would lose the quorum"):
        _updated(hosts, state, inputs("h1"))
    assert not [line for line in hosts.ran() if line.startswith("remove")]


@pytest.mark.parametrize("wipe", [False, True])
def test_data_goes_with_the_engine_only_when_the_spec_named_it(wipe: bool) -> None:
    state = _created(inputs("h1", wipe=wipe))
    hosts = Hosts()
    asyncio.run(cell_on(hosts).delete(CALL, {**inputs("h1", wipe=wipe), **state}))
    assert hosts.ran() == ["drain h1", "remove h1"]
    assert {job.common["etcd_wipe"] for job in hosts.jobs} == {wipe}


def test_an_engine_that_only_shrinks_keeps_its_data_though_it_was_named_for_wiping() -> None:
    """Members of a rack that goes leave the engine in good order, because other racks of it stay."""
    hosts = Hosts()
    cell = cell_on(hosts)
    state = _created(inputs("h1", wipe=True))
    cell.check(inputs("h9", rack="r9", wipe=True))
    asyncio.run(cell.delete(CALL, {**inputs("h1", wipe=True), **state}))
    assert hosts.ran() == ["drain h1", "remove h1"]
    assert {(job.common["etcd_wipe"], job.common["etcd_retire"]) for job in hosts.jobs} == {(False, False)}


def test_racks_of_an_engine_that_goes_as_a_whole_go_together() -> None:
    hosts = Hosts()
    cell = cell_on(hosts)
    named = [inputs(name, rack=rack, wipe=True) for name, rack in (("h1", "r1"), ("h2", "r2"))]
    states = [{**each, **_created(each)} for each in named]

    async def leave() -> None:
        await asyncio.gather(*(cell.delete(CALL, state) for state in states))

    asyncio.run(leave())
    assert hosts.ran() == ["drain h1 h2", "remove h1 h2"]


def test_racks_leave_an_engine_one_after_the_other() -> None:
    hosts = Hosts()
    cell = cell_on(hosts)
    cell.check(inputs("h9"))
    states = [
        {**inputs(name, rack=rack), **_created(inputs(name, rack=rack))} for name, rack in (("h1", "r1"), ("h2", "r2"))
    ]

    async def leave() -> None:
        await asyncio.gather(*(cell.delete(CALL, state) for state in states))

    asyncio.run(leave())
    assert hosts.ran() == ["drain h1", "remove h1", "drain h2", "remove h2"]


def test_a_host_layer_that_goes_leaves_its_hosts_as_they_are() -> None:
    hosts = Hosts()
    asyncio.run(cell_on(hosts).delete(CALL, {**inputs("h1", layer="host"), "digests": {}}))
    assert hosts.jobs == []


def test_a_host_that_is_gone_for_good_does_not_keep_its_member() -> None:
    state = _created(inputs("h1", "h2"))
    hosts = Hosts(lambda job, name: failed(name, "no route", "unreachable") if name == "h2" else HostResult(name, "ok"))
    after = _updated(hosts, state, inputs("h1"))
    assert set(after["hosts"]) == {"h1"}
    assert "h2 did not answer; it was left as it is" in hosts.warnings


def test_taking_the_engine_away_leaves_hosts_in_quarantine_alone() -> None:
    state = _created(inputs("h1", "h2"))
    without = inputs("h1", quarantined=["h2"])
    state = _updated(Hosts(), state, without)
    hosts = Hosts()
    asyncio.run(cell_on(hosts).delete(CALL, {**without, **state}))
    assert hosts.ran() == ["drain h1", "remove h1"]


def test_no_state_holds_a_private_key() -> None:
    assert "PRIVATE KEY" not in json.dumps(_created(inputs("h1")))

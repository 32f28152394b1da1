"""An engine as a whole."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from cell_shape import Hosts, failed

from greenfield.configure import HostResult
from greenfield.errors import ProviderError
from greenfield.provider.formation import Formation
from greenfield.provider.resource import Call, PartialFailureError
from greenfield.provider.values import UNKNOWN

CALL = Call("urn", "kv-formation")


def _inputs(*members: str, **changes: Any) -> dict[str, Any]:
    return {
        "site": "lab",
        "engine": "kv",
        "role": "etcd",
        "content": "c0ffee",
        "common": json.dumps({"etcd_quota": 1}),
        "secrets": {"etcd_passwords": {"root": "word"}},
        "members": {name: json.dumps({"address": "10.0.0.1", "variables": {"etcd_member": name}}) for name in members},
        "cells": {"r1": {"h1": "digest"}},
        "connection": {"user": "ops", "port": 22, "identityFile": "", "knownHosts": "/known_hosts"},
        **changes,
    }


def test_one_member_forms_it_and_its_facts_are_kept() -> None:
    hosts = Hosts(lambda job, name: HostResult(name, "changed", facts={"cluster_id": "abc"}))
    state = asyncio.run(Formation(hosts).create(CALL, _inputs("h1", "h2")))
    assert hosts.ran() == ["form h1"]
    assert hosts.jobs[0].common == {"etcd_quota": 1, "etcd_passwords": {"root": "word"}}
    assert state["facts"] == {"cluster_id": "abc"}
    assert not Formation(hosts).diff(state, _inputs("h1", "h2")).paths


def test_another_member_is_asked_only_when_a_host_does_not_answer() -> None:
    silent = Hosts(
        lambda job, name: failed(name, "timed out", "unreachable") if name == "h1" else HostResult(name, "ok")
    )
    asyncio.run(Formation(silent).create(CALL, _inputs("h1", "h2")))
    assert silent.ran() == ["form h1", "form h2"]
    broken = Hosts(lambda job, name: failed(name, "no quorum after 60 s"))
    with pytest.raises(ProviderError, match=r"kv did not form: h1: failed .*no quorum after 60 s"):
        asyncio.run(Formation(broken).create(CALL, _inputs("h1", "h2")))
    assert broken.ran() == ["form h1"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"cells": {"r1": {"h1": "another"}}}, "cells"),
        ({"cells": {"r1": UNKNOWN}}, "cells"),
        ({"secrets": {"etcd_passwords": {"root": "new"}}}, "secrets"),
        ({"common": json.dumps({"etcd_quota": 2})}, "common"),
    ],
)
def test_what_changes_members_makes_the_whole_be_looked_at(changes: dict[str, Any], path: str) -> None:
    difference = Formation(Hosts()).diff(_inputs("h1"), _inputs("h1", **changes))
    assert (difference.paths, difference.replaces) == ((path,), ())


def test_where_the_workstation_keeps_its_files_makes_no_difference() -> None:
    moved = {"connection": {"user": "ops", "port": 22, "identityFile": "", "knownHosts": "/elsewhere"}}
    assert not Formation(Hosts()).diff(_inputs("h1"), _inputs("h1", **moved)).paths


def test_an_engine_without_members_is_refused() -> None:
    assert Formation(Hosts()).check(_inputs())


def test_a_preview_forms_nothing() -> None:
    hosts = Hosts()
    preview = Call("urn", "kv-formation", preview=True)
    asyncio.run(Formation(hosts).create(preview, _inputs("h1")))
    asyncio.run(Formation(hosts).update(preview, _inputs("h1"), _inputs("h1", content="decade")))
    assert hosts.jobs == []


def test_a_change_that_stopped_half_way_is_taken_up_again_even_with_the_inputs_of_before() -> None:
    hosts = Hosts(lambda job, name: failed(name, "no quorum after 60 s"))
    old = {**_inputs("h1"), "facts": {"cluster_id": "abc"}}
    with pytest.raises(PartialFailureError, match="kv did not form") as caught:
        asyncio.run(Formation(hosts).update(CALL, old, _inputs("h1", content="decade")))
    assert caught.value.state["facts"] == {"cluster_id": "abc"}
    assert Formation(hosts).diff(caught.value.state, _inputs("h1")).paths == ("cells",)

"""The check before the first change, and the two resources that only make something."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from greenfield import artifacts
from greenfield.artifacts.lock import Lock, save_lock
from greenfield.errors import ArtifactError, ProviderError
from greenfield.plan import load_placement
from greenfield.provider import hostkeys
from greenfield.provider.authority import Authority
from greenfield.provider.display import Display
from greenfield.provider.hostkeys import Finding
from greenfield.provider.password import ALPHABET, Password
from greenfield.provider.preflight import Preflight
from greenfield.provider.resource import Call
from greenfield.provider.session import Session
from greenfield.provider.values import UNKNOWN

GATES = {"orders/kv": "{}"}
RECORD = '{"format": 1, "cluster": "orders", "pools": {}, "engines": {"kv": {}}, "versions": {"kv": ["3.6"]}}'
CALL = Call("urn", "preflight")


def _inputs(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "site": "lab",
        "hosts": {"h1": "10.0.0.1", "h2": "10.0.0.2"},
        "port": 22,
        "knownHosts": str(folder / "known_hosts"),
        "quarantined": [],
        "specFolder": str(folder),
        "mirror": str(folder / "mirror"),
        "gates": GATES,
        **changes,
    }


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec's folder with a lock, and a mirror that holds it."""
    save_lock(Lock("lab", "bookworm", "amd64", "2026-01-01", "key", "AB", {}, {}), tmp_path)
    monkeypatch.setattr(artifacts, "verify_mirror", lambda lock, folder: None)
    return tmp_path


def _found(monkeypatch: pytest.MonkeyPatch, findings: dict[str, Finding]) -> list[list[str]]:
    asked: list[list[str]] = []

    async def compare(hosts: dict[str, str], port: int, known_hosts: Path) -> dict[str, Finding]:
        asked.append(list(hosts))
        return findings

    monkeypatch.setattr(hostkeys, "compare", compare)
    return asked


def _run(inputs: dict[str, Any]) -> None:
    session = Session(Display(""))
    preflight = Preflight(session)
    assert preflight.check(inputs) == []
    try:
        asyncio.run(preflight.create(CALL, inputs))
    finally:
        session.close()


def test_all_well_passes_and_hosts_in_quarantine_are_not_asked(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _found(monkeypatch, {})
    _run(_inputs(locked, quarantined=["h2"]))
    assert asked == [["h1"]]


def test_a_silent_host_is_named_with_the_way_to_go_on(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _found(monkeypatch, {"h2": Finding("silent", "did not answer on port 22")})
    with pytest.raises(ProviderError) as caught:
        _run(_inputs(locked))
    assert "h2 did not answer on port 22" in caught.value.message
    assert "nothing was changed on any host. Reachable: 1 of 2." in caught.value.message
    assert "quarantine h2" in caught.value.fix


def test_a_changed_key_warns_of_somebody_in_between(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _found(monkeypatch, {"h1": Finding("changed", "shows another key"), "h2": Finding("silent", "is silent")})
    with pytest.raises(ProviderError) as caught:
        _run(_inputs(locked))
    assert "somebody may be in between" in caught.value.fix


def test_without_a_lock_nothing_may_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _found(monkeypatch, {})
    with pytest.raises(ProviderError) as caught:
        _run(_inputs(tmp_path))
    assert caught.value.fix == f"greenfield mirror sync {tmp_path}"
    assert asked == [], "no host is asked when the mirror can't be used"


def test_a_tampered_mirror_stops_it_before_any_host_is_asked(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def verify(lock: Lock, folder: Path) -> None:
        raise ArtifactError("chrony.deb has another SHA-256")

    monkeypatch.setattr(artifacts, "verify_mirror", verify)
    asked = _found(monkeypatch, {})
    with pytest.raises(ArtifactError):
        _run(_inputs(locked))
    assert asked == []


def test_no_hosts_are_refused(tmp_path: Path) -> None:
    assert Preflight(Session(Display(""))).check(_inputs(tmp_path, hosts={}))


def test_where_files_lie_on_the_workstation_makes_no_difference(tmp_path: Path) -> None:
    preflight, old = Preflight(Session(Display(""))), _inputs(tmp_path)
    moved = _inputs(tmp_path / "elsewhere")
    assert not preflight.diff(old, moved).paths
    assert preflight.diff(old, _inputs(tmp_path, quarantined=["h1"])).paths == ("quarantined",)


def test_a_preview_looks_at_nothing(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _found(monkeypatch, {})
    asyncio.run(Preflight(Session(Display(""))).create(Call("urn", "preflight", preview=True), _inputs(locked)))
    assert asked == []


def test_the_record_says_that_an_engine_is_about_to_change_only_once_it_is(
    locked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _found(monkeypatch, {})
    path = locked / "orders.placement.json"
    path.write_text(RECORD)
    session = Session(Display(""))
    inputs = _inputs(locked, cluster="orders", versions={"kv": "3.7", "cache": "7.0"})
    preflight = Preflight(session)
    preflight.check(inputs)

    async def run() -> None:
        state = await preflight.create(CALL, inputs)
        assert not {"cluster", "versions"} & state.keys()
        await session.before_change("lab", "host")
        assert path.read_text() == RECORD, "hosts alone are of no version"
        await session.before_change("lab", "kv")

    asyncio.run(run())
    session.close()
    assert json.loads(path.read_text())["versions"] == {"kv": ["3.6", "3.7"]}


def test_passwords_are_long_plain_and_never_the_same() -> None:
    made = {asyncio.run(Password().create(CALL, {"length": 32}))["value"] for _ in range(20)}
    assert len(made) == 20
    assert all(len(value) == 32 and set(value) <= set(ALPHABET) for value in made)
    assert Password().check({"length": 19})
    assert not Password().check({"length": 20})


def test_a_preview_makes_no_secret() -> None:
    preview = Call("urn", "thing", preview=True)
    assert asyncio.run(Password().create(preview, {"length": 32}))["value"] is UNKNOWN
    made = asyncio.run(Authority().create(preview, {"commonName": "a", "lifetimeSeconds": 1}))
    assert made["privateKey"] is UNKNOWN


def test_another_name_or_length_is_another_secret() -> None:
    assert Password().diff({"length": 32, "value": "x"}, {"length": 40}).replaces == ("length",)
    same = {"commonName": "a", "lifetimeSeconds": 1}
    assert not Authority().diff({**same, "certificate": "c", "privateKey": "k"}, same).paths
    assert Authority().diff(same, {**same, "commonName": "b"}).replaces == ("commonName",)


def test_gates_are_for_the_run_and_no_outputs(locked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _found(monkeypatch, {})
    session = Session(Display(""))
    preflight = Preflight(session)
    preflight.check(_inputs(locked))
    assert session.gate("orders/kv") == "{}"
    state = asyncio.run(preflight.create(CALL, _inputs(locked)))
    session.close()
    assert "gates" not in state
    assert not preflight.diff(state, _inputs(locked, gates={"orders/kv": "{1}"})).paths


def test_each_clusters_record_hears_of_what_has_left(tmp_path: Path) -> None:
    """A program may have several clusters, and a plugin serves all of them."""
    session = Session(Display(""))
    for name in ("orders", "shop"):
        (tmp_path / name).mkdir()
        record = {**json.loads(RECORD), "cluster": name, "leaving": {"kv": [f"{name}-h1", f"{name}-h2"]}}
        (tmp_path / name / f"{name}.placement.json").write_text(json.dumps(record))
        Preflight(session).check(_inputs(tmp_path / name, cluster=name, quarantined=[f"{name}-h9"]))
    assert session.quarantined == {"orders-h9", "shop-h9"}
    session.left("kv", ["orders-h1"])
    left = [load_placement(tmp_path / name, name) for name in ("orders", "shop")]
    assert [each and each.leaving for each in left] == [{"kv": ("orders-h2",)}, {"kv": ("shop-h1", "shop-h2")}]

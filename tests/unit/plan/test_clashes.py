"""Engines of kinds that don't exist, made to contradict each other on a host."""

from __future__ import annotations

import pytest
from lab_shape import GIB, build_cluster, build_site, pool

from greenfield.engines import ENGINES, EngineKind
from greenfield.engines.descriptor import HostSettings, Port, Slot
from greenfield.model.cluster import EngineSpec
from greenfield.model.problem import Problem
from greenfield.plan import check
from greenfield.plan.ledger import contradictions, reserve_bytes, shared_directories


def _kind(name: str, *, port: int, directory: str, settings: HostSettings) -> EngineKind:
    def slots(_engine: EngineSpec) -> list[Slot]:
        ports = (Port(port, "client", "clients"),)
        return [Slot(f"m-{i}", "quorum", 2, GIB // 8, GIB // 8, ports, (directory,), "member") for i in (1, 2, 3)]

    return EngineKind(
        name=name,
        versions=("1",),
        role=name,
        slots=slots,
        host_settings=lambda _engine: settings,
        artifacts=lambda _version: (),
        check=lambda _engine: [],
        variables=lambda _engine: {},
    )


def _problems(monkeypatch: pytest.MonkeyPatch, one: EngineKind, two: EngineKind) -> list[Problem]:
    for kind in (one, two):
        monkeypatch.setitem(ENGINES, kind.name, kind)
    engines = [EngineSpec(f"my-{kind.name}", kind.name, "1", "all", {}) for kind in (one, two)]
    return check(build_site(3, 1), build_cluster([pool("all", 3)], engines))


def test_contradicting_settings_name_both_engines_the_settings_and_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    one = _kind("alpha", port=1, directory="/data/a", settings=HostSettings({"vm.swappiness": "1"}, "never"))
    two = _kind("beta", port=2, directory="/data/b", settings=HostSettings({"vm.swappiness": "60"}, "always"))
    (problem,) = _problems(monkeypatch, one, two)
    assert problem.rule == "settings-clash"
    assert problem.path == ("Cluster", "orders", "spec", "engines", "my-beta")
    assert problem.message == (
        "my-alpha and my-beta contradict each other on r1-h1, r2-h1, r3-h1: "
        "vm.swappiness: my-alpha needs 1, my-beta needs 60; "
        "transparent_hugepage: my-alpha needs never, my-beta needs always"
    )


def test_nested_directories_clash(monkeypatch: pytest.MonkeyPatch) -> None:
    one = _kind("alpha", port=1, directory="/data/a", settings=HostSettings({}))
    two = _kind("beta", port=2, directory="/data/a/b", settings=HostSettings({}))
    (problem,) = _problems(monkeypatch, one, two)
    assert problem.rule == "directory-clash"
    assert problem.message == "my-alpha and my-beta both own /data/a on r1-h1, r2-h1, r3-h1"


def test_agreeing_engines_share_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    one = _kind("alpha", port=1, directory="/data/a", settings=HostSettings({"vm.swappiness": "1"}, "never"))
    two = _kind("beta", port=2, directory="/data/ab", settings=HostSettings({"vm.swappiness": "1"}))
    assert _problems(monkeypatch, one, two) == []


@pytest.mark.parametrize(("port", "owner"), [(22, "sshd"), (9100, "the node exporter")])
def test_ports_of_the_host_layer_are_taken(monkeypatch: pytest.MonkeyPatch, port: int, owner: str) -> None:
    one = _kind("alpha", port=port, directory="/data/a", settings=HostSettings({}))
    two = _kind("beta", port=2, directory="/data/b", settings=HostSettings({}))
    (problem,) = _problems(monkeypatch, one, two)
    assert problem.message == f"my-alpha and {owner} both listen on port {port} of every host of my-alpha"


def test_a_name_that_begins_alike_is_another_directory() -> None:
    slot = Slot("m", "g", 1, 0, 0, (), ("/data/kv",), "member")
    other = Slot("m", "g", 1, 0, 0, (), ("/data/kv2/",), "member")
    assert shared_directories([slot], [other]) == []
    assert shared_directories([slot], [Slot("m", "g", 1, 0, 0, (), ("/data/kv/",), "member")]) == ["/data/kv"]


def test_settings_only_one_engine_needs_do_not_contradict() -> None:
    assert contradictions(HostSettings({"a": "1"}, "never"), HostSettings({"b": "2"}, None)) == []


def test_reserve_is_the_greater_of_256_mib_and_five_percent() -> None:
    assert reserve_bytes(2 * GIB) == GIB // 4
    assert reserve_bytes(100 * GIB) == 5 * GIB

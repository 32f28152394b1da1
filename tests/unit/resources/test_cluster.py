"""What a cluster declares to Pulumi."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pulumi
import pytest
from declared import KEY, Stack, declare, in_the_clear
from lab_shape import build_cluster, build_site, etcd, lab_cluster, pool, redis

from greenfield.content import root
from greenfield.model.cluster import EngineSpec
from greenfield.plan import load_placement, record_begin, record_settled
from greenfield.resources import ClusterArgs

RACKS = ("r1", "r2", "r3")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The example cluster, declared."""
    return declare(tmp_path_factory.mktemp("spec"))


def test_a_cell_for_each_layer_pool_and_rack(stack: Stack) -> None:
    hosts = {f"orders-host-{pool}-{rack}" for pool in ("control", "data") for rack in RACKS}
    engines = {f"orders-{engine}-{rack}" for engine in ("config-store", "sessions") for rack in RACKS}
    assert set(stack.of("Cell")) == hosts | engines
    assert set(stack.of("Formation")) == {"orders-config-store-formation", "orders-sessions-formation"}
    assert len(stack.of("Preflight")) == 1


def test_the_count_of_resources_follows_racks_not_hosts(tmp_path: Path) -> None:
    cluster = build_cluster([pool("control", 3, 1), pool("data", 24)], [etcd("config-store", "control")])
    small = declare(tmp_path, replace(cluster, node_pools={**cluster.node_pools, "data": pool("data", 6)}))
    large = declare(tmp_path, cluster, build_site(3, 9))
    assert len(large.resources) == len(small.resources)
    assert len(large.outputs["hosts"]) == 27


def test_names_of_children_derive_from_their_parents(stack: Stack) -> None:
    parents = {each.name: each.parent for each in stack.resources}
    assert parents["orders-lab-authority"] == "orders-lab"
    assert parents["orders-config-store-formation"] == "orders-config-store"
    assert parents["orders-host-data-r2"] == "orders-data"
    assert parents["orders-lab"] == parents["orders-data"] == parents["orders-sessions"] == "orders"
    top = [each.name for each in stack.resources if each.parent not in parents]
    assert top == ["orders"]
    assert all(each.name.startswith("orders") for each in stack.resources)


def test_names_are_unique(stack: Stack) -> None:
    names = [each.name for each in stack.resources]
    assert len(names) == len(set(names))


def test_members_of_data_engines_are_protected_and_what_can_be_made_again_is_not(stack: Stack) -> None:
    kept = {each.name for each in stack.resources if each.protected}
    assert kept == {f"orders-{engine}-{rack}" for engine in ("config-store", "sessions") for rack in RACKS}


def test_the_record_says_which_version_each_engine_is_of_once_it_is_formed(tmp_path: Path) -> None:
    declare(tmp_path)
    record = load_placement(tmp_path, "orders")
    assert record is not None
    assert record.versions == {"config-store": ("3.6",), "sessions": ("7.0",)}
    record_begin(tmp_path, "orders", "sessions", "7.2")
    declare(tmp_path, quarantine=frozenset({"r1-h2"}))
    record = load_placement(tmp_path, "orders")
    assert record is not None
    assert record.versions["sessions"] == ("7.0", "7.2"), "a member in quarantine is of the version before"
    declare(tmp_path)
    record = load_placement(tmp_path, "orders")
    assert record is not None
    assert record.versions["sessions"] == ("7.0",)


def test_typing_an_engines_name_under_wipe_opens_just_that_engine(tmp_path: Path) -> None:
    cluster = lab_cluster()
    named = replace(cluster.engines["sessions"], wipe=("sessions",))
    declared = declare(tmp_path, replace(cluster, engines={**cluster.engines, "sessions": named}))
    kept = {each.name for each in declared.resources if each.protected}
    assert kept == {f"orders-config-store-{rack}" for rack in RACKS}
    wiped = {name for name, cell in declared.of("Cell").items() if cell.plain.get("wipe")}
    assert wiped == {f"orders-sessions-{rack}" for rack in RACKS}


def test_a_member_waits_for_the_hosts_of_all_its_engines_members(stack: Stack) -> None:
    for rack in RACKS:
        cell = stack.one(f"orders-sessions-{rack}")
        waits = {name for name in cell.depends_on if name in stack.of("Cell") or name in stack.of("Formation")}
        assert waits == {f"orders-host-data-{each}" for each in RACKS}
        assert "orders-lab-preflight" in stack.one(f"orders-host-data-{rack}").depends_on


def test_an_engine_waits_for_those_it_depends_on(tmp_path: Path) -> None:
    cluster = lab_cluster()
    later = replace(cluster.engines["config-store"], depends_on=("sessions",))
    declared = declare(
        tmp_path, replace(cluster, engines={"config-store": later, "sessions": cluster.engines["sessions"]})
    )
    for rack in RACKS:
        assert "orders-sessions-formation" in declared.one(f"orders-config-store-{rack}").depends_on


def test_a_formation_waits_for_every_cell_of_its_engine(stack: Stack) -> None:
    formation = stack.one("orders-sessions-formation")
    assert {f"orders-sessions-{rack}" for rack in RACKS} <= set(formation.depends_on)
    assert set(formation.plain["cells"]) == set(RACKS)
    assert len(formation.plain["members"]) == 6


def test_no_key_and_no_password_goes_to_the_engine_in_the_clear(stack: Stack) -> None:
    for each in stack.resources:
        shown = json.dumps(in_the_clear(each.inputs))
        assert KEY not in shown, each.name
        assert "word of" not in shown, each.name
    cell = stack.one("orders-sessions-r1").plain
    assert cell["authority"]["privateKey"] == KEY
    assert cell["secrets"]["redis_passwords"]["admin"] == "word of orders-sessions-admin"
    assert stack.of("Authority")["orders-lab-authority"].secret_outputs == ("privateKey",)
    assert {each.secret_outputs for each in stack.of("Password").values()} == {("value",)}


def test_a_client_of_another_engine_gets_that_engines_authority_too(tmp_path: Path) -> None:
    site = build_site(3, 3)
    hardware = {"small": replace(site.hardware["small"], memory_bytes=8 * 2**30)}
    options = {"pod_network": "10.200.0.0/16", "service_network": "10.201.0.0/16", "dns_domain": "cluster.local"}
    kubernetes = EngineSpec(
        *("platform", "kubernetes", "1.35", "all"),
        options={"members": 3, "etcd": "store", "quota_bytes": 2**30, **options},
        depends_on=("store",),
    )
    cluster = build_cluster([pool("all", 3, 1)], [etcd("store", "all"), kubernetes])
    declared = declare(tmp_path, cluster, replace(site, hardware=hardware))
    cell = declared.one("orders-platform-r1")
    assert cell.plain["authority"]["certificate"].endswith("lab platform authority")
    assert cell.plain["authorities"]["etcd"]["certificate"].endswith("lab store authority")
    assert KEY not in json.dumps(in_the_clear(cell.inputs))
    assert declared.one("orders-store-r1").plain["authorities"] == {}


def test_outputs_tell_how_to_use_the_cluster(stack: Stack) -> None:
    assert stack.outputs["hosts"]["r2-h1"] == "10.77.2.11"
    assert len(stack.outputs["endpoints"]["config-store"]) == 3
    assert all(each.endswith(":2379") for each in stack.outputs["endpoints"]["config-store"])
    assert set(stack.outputs["passwords"]["sessions"]) >= {"admin", "app"}
    assert stack.outputs["passwords are secret"] is True
    assert stack.outputs["certificate"].startswith("-----BEGIN CERTIFICATE")


def test_a_cell_tells_its_roles_everything_once(stack: Stack) -> None:
    cell = stack.one("orders-config-store-r1").plain
    assert cell["roles"] == ["etcd"]
    common = json.loads(cell["common"])
    assert common["etcd_cluster"] == "config-store"
    assert [file["name"] for file in common["etcd_files"]] == ["etcd", "etcdctl", "etcdutl"]
    (own,) = (json.loads(text) for text in cell["hosts"].values())
    assert set(own) == {"address", "subject", "variables"}
    assert own["subject"]["common_name"] == "config-store"


def test_the_host_layer_asks_the_engines_on_it_before_it_disturbs_them(stack: Stack) -> None:
    for name, engine in (("orders-host-control-r1", "config-store"), ("orders-host-data-r1", "sessions")):
        assert stack.one(name).plain["gates"] == [f"orders/{engine}"]
        assert stack.one(f"orders-{engine}-r1").plain["gates"] == [f"orders/{engine}"]
        gate = json.loads(stack.one("orders-lab-preflight").plain["gates"][f"orders/{engine}"])
        assert gate["engine"] == engine
        assert len({target["name"].split("-")[0] for target in gate["targets"]}) == 3, "one in each rack"


def test_each_engine_has_an_authority_of_its_own_and_hosts_have_the_sites(stack: Stack) -> None:
    names = {authority.plain["commonName"]: name for name, authority in stack.of("Authority").items()}
    assert names == {
        "lab site authority": "orders-lab-authority",
        "lab config-store authority": "orders-config-store-authority",
        "lab sessions authority": "orders-sessions-authority",
    }
    signers = {"host": "lab site authority", "config-store": "lab config-store authority"}
    for cell in stack.of("Cell").values():
        signer = signers.get(cell.plain["layer"], "lab sessions authority")
        assert cell.plain["authority"]["certificate"] == f"-----BEGIN CERTIFICATE----- {signer}"
    assert stack.outputs["certificates"]["sessions"].endswith(" lab sessions authority")
    assert stack.outputs["certificate"].endswith(" lab site authority")


def test_a_host_in_quarantine_is_in_no_cell_but_remembered(tmp_path: Path) -> None:
    declared = declare(tmp_path, quarantine=frozenset({"r1-h1"}))
    for name, cell in declared.of("Cell").items():
        assert "r1-h1" not in cell.plain["hosts"], name
    quarantined = {name for name, cell in declared.of("Cell").items() if cell.plain.get("quarantined")}
    assert len(quarantined) == 2
    assert declared.of("Preflight")["orders-lab-preflight"].plain["quarantined"] == ["r1-h1"]
    assert all("r1-h1" not in formation.plain["members"] for formation in declared.of("Formation").values())


def test_hosts_are_told_what_has_yet_to_leave(tmp_path: Path) -> None:
    """Host layers alone, and only while something leaves."""
    declare(tmp_path)
    path = tmp_path / "orders.placement.json"
    record = json.loads(path.read_text())
    record["engines"]["config-store"]["member-9"] = "r3-h3"
    path.write_text(json.dumps(record))
    declared = declare(tmp_path, standing=load_placement(tmp_path, "orders"))
    for name, cell in declared.of("Cell").items():
        assert cell.plain.get("leaving") == (["config-store"] if cell.plain["layer"] == "host" else None), name
    kept = load_placement(tmp_path, "orders")
    assert kept is not None
    assert kept.leaving == {"config-store": ("r3-h3",)}
    record_settled(tmp_path, "orders")
    again = declare(tmp_path, standing=load_placement(tmp_path, "orders"))
    assert not [name for name, cell in again.of("Cell").items() if "leaving" in cell.plain]


def test_the_same_spec_declares_the_same(stack: Stack, tmp_path: Path) -> None:
    again = declare(tmp_path)
    first = {name: cell.plain for name, cell in stack.of("Cell").items()}
    assert {name: cell.plain for name, cell in again.of("Cell").items()} == first


def test_where_members_stand_is_recorded_beside_the_spec(tmp_path: Path) -> None:
    declare(tmp_path)
    record = json.loads((tmp_path / "orders.placement.json").read_text())
    assert record["cluster"] == "orders"


def test_a_wrong_spec_is_an_error_in_words(tmp_path: Path) -> None:
    for name in ("site.yaml", "hosts.csv", "cluster.yaml"):
        text = (root() / "examples" / "lab" / name).read_text()
        (tmp_path / name).write_text(text.replace("members: 3", "members: 4").replace("pool: data", "pool: dta"))
    with pytest.raises(pulumi.RunError) as caught:
        ClusterArgs.load(tmp_path)
    assert "greenfield validate" in str(caught.value)


def test_a_run_that_can_not_reach_its_version_ends_before_anything_is_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = Path(__file__).parents[2] / "plan_cases"
    for path in (cases / "site.yaml", cases / "hosts.csv", *(cases / "upgrade-not-turned-back").iterdir()):
        shutil.copy(path, tmp_path)
    with pytest.raises(pulumi.RunError, match=r"k8s: 1\.35 is deployed .* can't become 1\.34"):
        ClusterArgs.load(tmp_path, quarantine=[])
    (tmp_path / "before.db").write_bytes(b"x")
    monkeypatch.setenv("GREENFIELD_RESTORE", f"k8s={tmp_path / 'before.db'}")
    began = ClusterArgs.load(tmp_path, quarantine=[]).plan.cluster.engines["k8s"]
    assert began.version == "1.34", "what begins anew from a snapshot begins with any version"


@pytest.mark.parametrize(("named", "expected"), [(None, {"r1-h1", "r2-h3"}), ([], set()), (["r3-h3"], {"r3-h3"})])
def test_hosts_in_quarantine_come_from_the_stacks_config_unless_the_program_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: list[str] | None, expected: set[str]
) -> None:
    for name in ("site.yaml", "hosts.csv", "cluster.yaml"):
        shutil.copy(root() / "examples" / "lab" / name, tmp_path)
    config = {"greenfield:quarantine": "r1-h1,r2-h3"}
    monkeypatch.setattr(pulumi.Config, "get", lambda self, key: config.get(f"{self.name}:{key}"))
    assert ClusterArgs.load(tmp_path, quarantine=named).plan.quarantine == expected


def test_two_engines_on_one_pool_share_its_host_cells(tmp_path: Path) -> None:
    site = build_site(3, 3)
    hardware = {"small": replace(site.hardware["small"], memory_bytes=8 * 2**30)}
    cluster = build_cluster([pool("all", 6, 2)], [etcd("kv", "all"), redis("cache", "all")])
    declared = declare(tmp_path, cluster, replace(site, hardware=hardware))
    gates = {name: cell.plain["gates"] for name, cell in declared.of("Cell").items() if cell.plain["layer"] == "host"}
    assert gates == {f"orders-host-all-{rack}": ["orders/kv", "orders/cache"] for rack in RACKS}

"""What a spec becomes."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from greenfield import spec
from greenfield.errors import SpecError
from greenfield.model.cluster import DataProtection, Demand, Slo, Spread
from greenfield.spec import Location
from greenfield.spec.loader import Spec

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "spec_cases"
LAB = ROOT / "examples" / "lab"


@pytest.fixture(scope="module")
def lab() -> Spec:
    return spec.load([LAB])


def test_the_lab_site(lab: Spec) -> None:
    site = lab.sites["lab"]
    assert list(site.hosts) == [f"r{rack}-h{host}" for rack in (1, 2, 3) for host in (1, 2, 3)]
    assert site.hosts["r2-h1"].address == "10.77.2.11"
    assert site.hosts["r2-h1"].asset == "A-201"
    assert site.hardware["small"].memory_bytes == 2 * 2**30
    assert site.hardware["small"].disks["data"].by_id == "greenfield-{serial}-data"
    assert site.racks["r1"].feed_watts == {"A": 4000, "B": 4000}
    assert site.admin_networks == (IPv4Network("10.77.0.0/24"),)
    assert site.access.identity_file == str(LAB / ".access" / "id_ed25519")
    assert site.access.port == 22
    assert site.mirror.url == "http://10.77.0.2:8080"


def test_the_lab_cluster(lab: Spec) -> None:
    cluster, site = lab.cluster()
    assert (cluster.name, site.name) == ("orders", "lab")
    assert cluster.node_pools["control"].spread == Spread("rack", 1)
    store, sessions = cluster.engines["config-store"], cluster.engines["sessions"]
    assert store.options == {
        "members": 3,
        "quota_bytes": 512 * 2**20,
        "heartbeat_seconds": 0.1,
        "election_seconds": 1.0,
    }
    assert store.data_protection == DataProtection("platform", "internal", 3600, 1800, 14 * 86400)
    assert store.slo == Slo(0.9999, 0.25)
    assert sessions.options == {
        "shards": 3,
        "replicas": 1,
        "memory_bytes": 256 * 2**20,
        "memory_policy": "noeviction",
        "node_timeout_seconds": 5.0,
        "append_fsync": "everysec",
    }
    assert sessions.demand == Demand(20000, 5000, 128, 2e6, 0.04)


def test_shipped_standards_are_there_and_have_what_the_lab_is_judged_by(lab: Spec) -> None:
    standard = lab.standards[lab.clusters["orders"].standard]
    assert len(standard.controls) >= 40
    assert all(control.source for control in standard.controls.values())


def _clone(tmp_path: Path, case: str = "valid") -> Path:
    for file in (CASES / case).iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    return tmp_path


def _digest(folder: Path) -> str:
    found, problems, _ = spec.collect([folder], standards=CASES / "standards")
    assert found is not None and problems == []
    return found.digest


def test_the_digest_is_of_the_meaning(tmp_path: Path) -> None:
    folder = _clone(tmp_path)
    before = _digest(folder)
    assert before == _digest(CASES / "valid")
    site = folder / "site.yaml"
    site.write_text("# a comment\n" + site.read_text().replace("{row: A, units: 42,", "{units: 42, row: A,"))
    assert _digest(folder) == before
    hosts = folder / "hosts.csv"
    hosts.write_text(hosts.read_text().replace("A1", "A9"))
    assert _digest(folder) != before


def test_an_inline_host_is_the_same_as_a_row(tmp_path: Path) -> None:
    from_table, problems, _ = spec.collect([CASES / "valid"], standards=CASES / "standards")
    inline, more, _ = spec.collect([CASES / "clusters-apart-by-labels"], standards=CASES / "standards")
    assert from_table is not None and inline is not None and problems == more == []
    table = from_table.sites["lab"].hosts
    assert {name: host.mac for name, host in table.items()} == {
        name: host.mac for name, host in inline.sites["lab"].hosts.items()
    }


def test_label_columns_become_labels(tmp_path: Path) -> None:
    folder = _clone(tmp_path)
    (folder / "hosts.csv").write_text(
        "name,label:zone,rack,unit,hardware,serial,address,mac\n"
        "r1-h1,a,r1,1,small,S1,10.77.1.11,02:00:00:00:01:0B\n"
        "r2-h1,,r2,1,small,S2,10.77.2.11,02:00:00:00:02:01\n"
    )
    found, problems, _ = spec.collect([folder], standards=CASES / "standards")
    assert found is not None and problems == []
    hosts = found.sites["lab"].hosts
    assert hosts["r1-h1"].labels == {"zone": "a"}
    assert hosts["r1-h1"].mac == "02:00:00:00:01:0b"
    assert hosts["r2-h1"].labels == {}


def test_what_is_wrong_with_one_part_does_not_hide_the_rest(tmp_path: Path) -> None:
    folder = _clone(tmp_path)
    cluster = folder / "cluster.yaml"
    cluster.write_text(cluster.read_text().replace("members: 3", "members: many") + "    typo: {kind: redis}\n")
    found, problems, _ = spec.collect([folder], standards=CASES / "standards")
    assert found is not None
    assert {problem.rule for problem in problems} == {"type", "missing-key"}
    assert found.clusters["orders"].engines == {}
    assert list(found.clusters["orders"].node_pools) == ["control"]


def test_a_site_with_unreadable_hosts_is_not_placed_on() -> None:
    found, problems, _ = spec.collect([CASES / "address-in-table"], standards=CASES / "standards")
    assert found is not None and problems
    assert found.sites == {}


def test_load_raises_with_every_problem() -> None:
    with pytest.raises(SpecError) as refusal:
        spec.load([CASES / "everything-at-once"])
    rules = {problem.rule for problem in refusal.value.problems}
    assert rules >= {"yaml-syntax", "unknown-standard", "even-quorum", "duplicate-serial", "quantity", "unknown-key"}
    assert "more)" in refusal.value.message
    assert refusal.value.fix.startswith("greenfield validate")


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="there is no such file or folder"):
        spec.load([tmp_path / "nowhere"])
    with pytest.raises(SpecError, match="no spec was named"):
        spec.load([])


def test_files_can_be_named_one_by_one(lab: Spec) -> None:
    named = spec.load([LAB / "site.yaml", LAB / "cluster.yaml", LAB])
    assert named.digest == lab.digest
    assert named.folder == LAB


def test_which_cluster_is_meant(lab: Spec) -> None:
    assert lab.cluster("orders")[0].name == "orders"
    with pytest.raises(SpecError, match='did you mean "orders"'):
        lab.cluster("order")
    found, _, _ = spec.collect([CASES / "clusters-apart-by-labels"], standards=CASES / "standards")
    assert found is not None
    with pytest.raises(SpecError, match="name one: orders, billing"):
        found.cluster()
    alone, _, _ = spec.collect([CASES / "duplicate-mac"], standards=CASES / "standards")
    assert alone is not None
    with pytest.raises(SpecError, match="there is no cluster"):
        alone.cluster()


def test_places(lab: Spec) -> None:
    locate = lab.sources.locate
    cluster, hosts = LAB / "cluster.yaml", LAB / "hosts.csv"
    text = cluster.read_text().splitlines()
    line = next(index for index, row in enumerate(text, 1) if "members: 3" in row)
    at = ("Cluster", "orders", "spec", "engines", "config-store")
    assert locate((*at, "members")) == Location(cluster, line, 16)
    assert locate((*at, "members"), key=True) == Location(cluster, line, 7)
    assert locate((*at, "heartbeat")) == locate(at)
    assert locate((*at, "wipe", 0)) == locate(at)
    assert locate(("Site", "lab", "hosts", "r2-h1", "address")) == Location(hosts, 5, 24)
    assert locate(("Site", "lab", "hosts", "r2-h1")) == Location(hosts, 5, 1)
    assert locate(("Site", "lab", "hosts", 3, "rack")) == Location(hosts, 5, 7)


def test_quoted_cells_are_counted_by_letters(tmp_path: Path) -> None:
    folder = _clone(tmp_path)
    hosts = folder / "hosts.csv"
    hosts.write_text(hosts.read_text().replace("r1-h1,r1,1,small,S1,", 'r1-h1,r1,1,small,"S,1",'))
    found, problems, sources = spec.collect([folder], standards=CASES / "standards")
    assert found is not None and problems == []
    assert found.sites["lab"].hosts["r1-h1"].serial == "S,1"
    assert sources.locate(("Site", "lab", "hosts", "r1-h1", "address")) == Location(hosts, 2, 24)


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["apiVersion: greenfield/v1", "kind: Site", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{depth}: &a{depth} [{', '.join([f'*a{depth - 1}'] * 10)}]" for depth in range(1, 9)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))
    _, problems, _ = spec.collect([tmp_path])
    assert [problem.rule for problem in problems] == ["yaml-alias"]

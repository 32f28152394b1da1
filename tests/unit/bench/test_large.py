"""Both ways of the large site read the same hosts."""

from dataclasses import replace

from bench import large
from bench.large_steps import INLINED, Clock, greenfield, plain
from greenfield.spec import load


def test_hosts_written_as_yaml_are_those_of_the_csv(tmp_path, monkeypatch):
    monkeypatch.setattr(large, "HOSTS", 40)
    monkeypatch.setattr(large, "RACKS", 10)
    monkeypatch.setattr(large, "ENGINES", 4)
    large.write_site(tmp_path)
    (_, by_csv), (_, by_yaml) = (
        load([tmp_path / "site.yaml", tmp_path / "cluster.yaml"]).cluster(),
        load([tmp_path / INLINED]).cluster(),
    )
    assert len(by_csv.hosts) == 40
    place = {"known_hosts": "", "identity_file": ""}
    assert replace(by_csv, access=replace(by_csv.access, **place)) == replace(
        by_yaml, access=replace(by_yaml.access, **place)
    )


def test_every_state_is_made_and_every_document_judged(tmp_path, monkeypatch):
    monkeypatch.setattr(large, "HOSTS", 40)
    monkeypatch.setattr(large, "RACKS", 10)
    monkeypatch.setattr(large, "ENGINES", 4)
    large.write_site(tmp_path)
    clock = Clock()
    # 40 hosts, and on each block of 20 an etcd of 5 and a Redis cluster of 16.
    assert greenfield(tmp_path / INLINED, clock) == 40 + 2 * (5 + 16)
    assert plain(tmp_path, Clock()) == 2
    assert [*clock.seconds] == [*large.TO_PLAN, "variables of all cells, as text"]

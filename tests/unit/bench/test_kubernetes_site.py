"""Specs of clusters for benchmarks are valid, of every size and of the large one."""

import pytest

from bench.growth import FEWEST, HOSTS, NAME, NUMBER
from bench.kubernetes_scale import NODES, SHAPE, Options, _check_ranges
from bench.kubernetes_site import KubernetesSite, Shape, write_spec
from bench.process import BenchError
from greenfield.verify.applicable import lacking


@pytest.mark.parametrize("hosts", [FEWEST, 4, *HOSTS[1:]])
def test_every_size_is_a_valid_cluster_with_its_platform(tmp_path, hosts):
    shape = Shape.of(hosts, NAME, NUMBER)
    write_spec(tmp_path / "spec", shape)
    found = KubernetesSite(tmp_path / "spec", tmp_path, {})
    assert len(found.site.hosts) == len(found.plan.hosts) == hosts
    assert len(found.members) == (1 if hosts == FEWEST else 3)
    assert found.platform.engine == "platform"
    assert {host.address.split(".")[1] for host in found.site.hosts.values()} == {str(NUMBER)}
    assert len(found.site.racks) == 3


def test_a_control_plane_that_may_be_lost_is_not_drilled_but_the_loss_of_a_rack_is(tmp_path):
    write_spec(tmp_path / "spec", Shape.of(3, NAME, NUMBER))
    plan = KubernetesSite(tmp_path / "spec", tmp_path, {}).plan
    assert lacking(plan, "platform", "another-member")
    assert not lacking(plan, "platform", "spare-rack")


def test_the_large_cluster_has_addresses_for_all_of_its_nodes(tmp_path):
    write_spec(tmp_path / "spec", SHAPE)
    site = KubernetesSite(tmp_path / "spec", tmp_path, {})
    _check_ranges(site, Options())
    with pytest.raises(BenchError, match=r"addresses of 2048 nodes and 2049 will be there"):
        _check_ranges(site, Options(nodes=2049 - SHAPE.hosts))
    assert NODES + SHAPE.hosts <= 2048


def test_a_spec_without_a_platform_is_refused(tmp_path):
    write_spec(tmp_path / "spec", SHAPE)
    (tmp_path / "spec" / "platform.yaml").unlink()
    (tmp_path / "spec" / "names.yaml").unlink()
    with pytest.raises(BenchError, match="no Platform"):
        KubernetesSite(tmp_path / "spec", tmp_path, {})

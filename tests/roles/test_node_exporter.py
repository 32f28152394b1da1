"""The role `node_exporter`: metrics for those who may have them."""

from __future__ import annotations

import urllib.request

import pytest


@pytest.fixture(scope="module")
def converged(scenario):
    return scenario("node_exporter")


def test_few_executions(converged):
    assert converged.first.executions <= 4 * len(converged.layer.targets)


def test_the_admin_network_reads_metrics_of_the_data_disk(converged, plan):
    port = converged.layer.common["node_exporter_port"]
    for target in converged.layer.targets:
        with urllib.request.urlopen(f"http://{target.address}:{port}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        assert "node_filesystem_size_bytes{" in metrics
        assert 'mountpoint="/data"' in metrics
        assert "go_goroutines" in metrics


def test_other_hosts_do_not(converged, connect):
    port = converged.layer.common["node_exporter_port"]
    address = converged.layer.targets[0].address
    other = connect(converged.layer.targets[1].name)
    assert other.run(f"timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}'").rc != 0


def test_it_listens_on_one_address_without_privileges(converged, connect):
    port = converged.layer.common["node_exporter_port"]
    for target in converged.layer.targets:
        host = connect(target.name)
        listening = host.check_output(f"ss -Hltn sport = :{port}").splitlines()
        assert [line.split()[3] for line in listening] == [f"{target.address}:{port}"]
        assert host.check_output("systemctl show -P User prometheus-node-exporter") == "prometheus"
        assert host.check_output("systemctl show -P CapabilityBoundingSet prometheus-node-exporter") == ""
        assert host.service("prometheus-node-exporter").is_enabled

"""The role `node_exporter`: metrics for those who may have them."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

import pytest
import yaml
from patience import patience

from greenfield import content

PROVES = ("host/exporter",)
ORDER = 40

START_SECONDS = 20
COLLECTORS = yaml.safe_load((content.roles() / "node_exporter/defaults/main.yml").read_text())[
    "node_exporter_collectors"
]
READ_CLOCK = """python3 -c 'import ctypes; exit(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)) < 0)'"""


@pytest.fixture(scope="module")
def converged(scenario):
    return scenario("node_exporter")


def test_few_executions(converged):
    assert converged.first.executions <= 4 * len(converged.layer.targets)


def metrics_of(address, port):
    """What the exporter answers; it may have been started a moment ago."""
    deadline = time.monotonic() + patience(START_SECONDS)
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}:{port}/metrics", timeout=10) as answer:
                return answer.read().decode()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_the_admin_network_reads_metrics_of_the_data_disk(converged, plan):
    port = converged.layer.common["node_exporter_port"]
    for target in converged.layer.targets:
        metrics = metrics_of(target.address, port)
        assert 'mountpoint="/data"' in metrics


def test_every_collector_works_within_what_the_unit_allows(converged, connect):
    port = converged.layer.common["node_exporter_port"]
    for target in converged.layer.targets:
        host = connect(target.name)
        prefix = "node_scrape_collector_success{collector="
        lines = [line for line in metrics_of(target.address, port).splitlines() if line.startswith(prefix)]
        assert len(lines) == len(converged.layer.common.get("node_exporter_collectors", COLLECTORS))
        # A container whose clock is closed even to root can't tell of it; nothing else may be missing.
        expected = set() if host.run(READ_CLOCK).rc == 0 else {"timex"}
        assert {line.split('"')[1] for line in lines if line.endswith(" 0")} == expected
        assert host.check_output("systemctl show -P NRestarts prometheus-node-exporter") == "0"


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

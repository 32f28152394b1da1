"""Fake nodes and pods, as an API server takes them; a real one takes them in the benchmark itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import fake
from bench.api import at, in_parallel
from bench.footprint import PAGE, TICKS, Footprint, processor_seconds, resident, spent, store_bytes
from bench.process import BenchError

RACKS = ["r1", "r2", "r3"]


def test_nodes_stand_in_all_racks_and_keep_real_pods_off():
    nodes = [fake.node(index, RACKS, "here") for index in range(2000)]
    assert len({node["metadata"]["name"] for node in nodes}) == 2000
    assert len({node["status"]["addresses"][0]["address"] for node in nodes}) == 2000
    zones = [node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes]
    assert {zones.count(rack) for rack in RACKS} == {666, 667}
    assert nodes[0]["spec"]["taints"] == [{"key": fake.MARK, "value": "fake", "effect": "NoSchedule"}]


def test_pods_are_spread_over_namespaces_and_nodes():
    pods = [fake.pod(index, 200) for index in range(2000)]
    places = [(pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in pods]
    assert len(set(places)) == 2000
    assert {place for place, _ in places} == set(fake.namespaces())
    on = [pod["spec"]["nodeName"] for pod in pods]
    assert {on.count(fake.node_name(index)) for index in range(200)} == {10}
    assert all(pod["metadata"]["labels"][fake.MARK] == "fake" for pod in pods)


def test_a_pod_for_the_scheduler_may_go_to_fake_nodes_only():
    spec = fake.pod_named("there", "one", "scheduled")["spec"]
    assert "nodeName" not in spec
    assert spec["nodeSelector"] == {fake.MARK: "fake"}


def test_another_member_is_asked_at_the_same_port():
    config = {"clusters": [{"name": "c", "cluster": {"server": "https://10.84.1.11:6443", "x": 1}}], "users": []}
    found = at(config, "10.84.3.11")
    assert found["clusters"] == [{"name": "c", "cluster": {"server": "https://10.84.3.11:6443", "x": 1}}]
    assert config["clusters"][0]["cluster"]["server"] == "https://10.84.1.11:6443"


def test_work_in_parallel_ends_at_the_first_failure():
    done = []

    def work(item):
        if item == 3:
            raise BenchError("no more")
        done.append(item)

    with pytest.raises(BenchError, match="no more"):
        in_parallel(work, range(100_000), 2)
    assert len(done) < 100_000
    in_parallel(done.append, [-1], 4)
    assert done[-1] == -1


def stat(name, seconds=0, of_children=0, mebibytes=0):
    """A line as proc_pid_stat(5) describes it."""
    fields = ["0"] * 49
    fields[10:14] = [str(seconds * TICKS // 2)] * 2 + [str(of_children * TICKS), "0"]
    fields[20] = str(mebibytes * 2**20 // PAGE)
    return f"7 ({name}) S {' '.join(fields)}\n"


def test_memory_of_the_control_planes_programs_is_found_by_their_names():
    memory = {"systemd": 9, "kube-apiserver": 500, "etcd": 200, "etcdctl": 1, "kube-controller": 100}
    text = "".join(stat(name, mebibytes=size) for name, size in {**memory, "kube-scheduler": 50}.items())
    found = {name: size // 2**20 for name, size in resident(text).items()}
    assert found == {"kube-apiserver": 500, "etcd": 200, "kube-controller-manager": 100, "kube-scheduler": 50}


def test_who_had_the_processors_is_told_by_program():
    hosts = stat("systemd", 10) + stat("etcd", 60) + stat("a (b) c", 0) + stat("systemd", 5) + stat("etcd", 30)
    hosts += stat("agent", 2, of_children=3)
    assert processor_seconds(hosts) == {"systemd": 15, "etcd": 90, "a (b) c": 0, "agent": 5}
    empty = Footprint({}, [], {"systemd": 15, "etcd": 30, "gone": 8})
    assert spent(empty, Footprint({}, [], processor_seconds(hosts))) == "etcd 92%; agent 8%; of 1 min"
    assert spent(empty, empty) == ""


def test_the_time_of_children_that_have_ended_is_counted():
    """Of this very process, from the kernel's own file."""
    with Path("/proc/self/stat").open() as file:
        before = processor_seconds(file.read())
    subprocess.run([sys.executable, "-c", "while __import__('time').process_time() < 0.5: pass"], check=True)
    with Path("/proc/self/stat").open() as file:
        after = processor_seconds(file.read())
    assert sum(after.values()) - sum(before.values()) >= 0.4


def test_the_size_of_the_store_is_read_from_the_servers_metrics():
    text = 'x 1\napiserver_storage_size_bytes{storage_cluster_id="etcd-0"} 5.77126e+06\napiserver_storage_objects 3\n'
    assert store_bytes(text) == 5771260

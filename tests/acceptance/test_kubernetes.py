"""What a Kubernetes cluster promises to those who run it. Each check has a namespace of its own, gone afterwards."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from greenfield.engines.kubernetes import API_PORT, LOCAL_API_PORT, RELEASES
from greenfield.verify.kubernetes import ETCD_PORT, Kubernetes, is_ready, parse_memory, period


@pytest.fixture
def kube(engine, acceptance):
    """The control plane under test, with its workers."""
    return Kubernetes.of(engine, acceptance)


@pytest.mark.control("K8S-001")
def test_nodes_are_the_planned_ones(kube):
    items = {item["metadata"]["name"]: item for item in kube.get("nodes")["items"]}
    releases = {
        member.host: RELEASES[engine.spec.version]
        for engine in (kube.engine, *kube.workers)
        for member in engine.members
    }
    assert set(items) == set(releases)
    for name, item in items.items():
        assert is_ready(item), f"{name} is not ready"
        pressed = [c["type"] for c in item["status"]["conditions"] if c["type"] != "Ready" and c["status"] != "False"]
        assert not pressed, f"{name}: {', '.join(pressed)}"
        info = item["status"]["nodeInfo"]
        assert info["kubeletVersion"] == f"v{releases[name]}", f"{name} runs {info['kubeletVersion']}"
        assert not item["spec"].get("unschedulable"), f"{name} is cordoned"
    assert json.loads(kube.ctl("version -o json"))["serverVersion"]["gitVersion"] == f"v{kube.release}"


@pytest.mark.control("K8S-002")
def test_nodes_tell_where_they_are(kube):
    for engine in (kube.engine, *kube.workers):
        plane = engine == kube.engine
        for member in engine.members:
            node = kube.node(member.host)
            labels = node["metadata"]["labels"]
            wanted = {"topology.kubernetes.io/zone": member.rack, "greenfield.io/engine": engine.name}
            wanted |= {} if plane else dict(engine.spec.options["labels"])
            assert wanted.items() <= labels.items(), f"{member.host}: {labels}, planned {wanted}"
            taints = {(taint["key"], taint["effect"]) for taint in node["spec"].get("taints", ())}
            kept = ("node-role.kubernetes.io/control-plane", "NoSchedule") in taints
            assert kept == plane, f"{member.host}: taints {sorted(taints)}"


@pytest.mark.control("K8S-003")
@pytest.mark.needs("workers")
def test_pods_get_the_planned_memory(kube, control, measured):
    for engine in kube.workers:
        planned = int(engine.spec.options["pod_memory_bytes"])
        for member in engine.members:
            found = parse_memory(kube.node(member.host)["status"]["allocatable"]["memory"])
            measured(f"{member.host}_allocatable_bytes", found)
            assert control.thresholds["share"] * planned <= found <= planned, f"{member.host}: {found} of {planned}"


@pytest.mark.control("K8S-004")
def test_api_is_reached_from_every_node(kube):
    for member in kube.engine.members:
        (found,) = kube.ask(kube.nodes[-1], member.address, API_PORT, ["/readyz"])
        assert found["body"] == "ok", f"{member.host}: {found}"
    for node in kube.nodes:
        (found,) = kube.ask(node, "127.0.0.1", LOCAL_API_PORT, ["/readyz"])
        assert found["body"] == "ok", f"from {node.host}: {found}"


@pytest.mark.control("K8S-005")
def test_store_is_whole(kube):
    on = kube.engine.members[0].on
    listed = json.loads(on.check_output(kube.etcdctl("member list -w json")))["members"]
    found = {url for member in listed for url in member["clientURLs"]}
    assert found == {f"https://{member.address}:{ETCD_PORT}" for member in kube.etcd_members}
    assert not [member["name"] for member in listed if member.get("isLearner")]
    health = json.loads(on.check_output(kube.etcdctl("endpoint health -w json")))
    sick = [f"{item['endpoint']}: {item.get('error', '')}" for item in health if not item["health"]]
    assert len(health) == len(kube.etcd_members) and not sick, sick
    assert on.check_output(kube.etcdctl("alarm list")) == ""


@pytest.mark.control("K8S-006")
@pytest.mark.needs("another-node")
def test_pods_reach_each_other(kube, control):
    seconds = control.thresholds["seconds"]
    with kube.namespace("pods") as name, ThreadPoolExecutor(len(kube.nodes)) as pool:
        hosts = [member.host for member in kube.nodes]
        pods = dict(zip(hosts, pool.map(lambda host: kube.run_pod(name, host, host), hosts), strict=True))
        meetings = {}
        for index, host in enumerate(hosts):
            others = (hosts[index + 1 :] + hosts[:index])[:5]
            meeting = {"do": "meet", "port": 8008, "words": host, "seconds": seconds}
            meeting["targets"] = [pods[other] for other in others]
            meetings[host] = pool.submit(kube.inside, host, pods[host], meeting)
        for host, meeting in meetings.items():
            found = meeting.result()
            assert not found["silent"], f"a pod on {host} does not reach {found['silent']} of {pods}"
            assert all(pods[said] == address for address, said in found["heard"].items()), found


@pytest.mark.control("K8S-007")
@pytest.mark.needs("workers")
def test_pods_find_services_by_name(kube):
    domain = kube.engine.spec.options["dns_domain"]
    services = {
        f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.{domain}": service["spec"]["clusterIP"]
        for service in kube.get("services -A")["items"]
    }
    server = kube.get("-n kube-system service kube-dns")["spec"]["clusterIP"]
    with kube.namespace("names") as space:
        for engine in kube.workers:
            for member in engine.members:
                pod = kube.run_pod(space, member.host, member.host)
                for name in (f"kubernetes.default.svc.{domain}", f"kube-dns.kube-system.svc.{domain}"):
                    found = kube.inside(member.host, pod, {"do": "resolve", "server": server, "name": name})
                    assert found["addresses"] == [services[name]], f"{member.host}: {name}: {found}"


@pytest.mark.control("K8S-008")
@pytest.mark.needs("workers")
def test_a_service_answers_in_every_rack(kube, control):
    seconds = control.thresholds["seconds"]
    server = kube.workers[0].members[0]
    ports = [{"port": 80, "targetPort": 8008}]
    with kube.namespace("services") as name:
        pod = kube.run_pod(name, "server", server.host)
        kube.apply(name, "v1 Service", "server", {"selector": {"check": "server"}, "ports": ports})
        address = kube.get(f"-n {name} service server")["spec"]["clusterIP"]
        pods = {member.host: kube.run_pod(name, member.host, member.host) for member in kube.a_worker_of_each_rack()}
        with kube.listening(server, pod, 8008, 4 * seconds):
            for host, own in pods.items():
                kube.until(partial(_silence, kube, host, own, address, 80), f"an answer to a pod on {host}", seconds)
            for node in (member for member in kube.nodes if member != server):
                question = f"import socket;print(socket.create_connection(('{address}',80),5).recv(9).decode())"
                assert node.on.run(f'python3 -c "{question}"').stdout.strip() == "here", f"no answer to {node.host}"


def _silence(kube, host, pod, target, port):
    found = kube.inside(host, pod, {"do": "connect", "target": target, "port": port, "seconds": 2})
    return "" if found["open"] else found["error"]


@pytest.mark.control("K8S-009")
@pytest.mark.needs("workers")
def test_policies_cut_flows(kube, control, measured):
    seconds = control.thresholds["seconds"]
    first, last = (kube.a_worker_of_each_rack() * 2)[:2]
    where = {"server": last.host, "friend": first.host, "stranger": first.host}
    with kube.namespace("policies") as name:
        server, friend, stranger = (kube.run_pod(name, who, host) for who, host in where.items())

        def cut(pod):
            return _silence(kube, first.host, pod, server, 8008)

        with kube.listening(last, server, 8008, 4 * seconds):
            kube.until(lambda: cut(friend) or cut(stranger), "a flow without policies", seconds)
            kube.apply(name, POLICY, "deny", {"podSelector": {}, "policyTypes": ["Ingress"]})
            denied = kube.until(lambda: "" if cut(friend) and cut(stranger) else "it flows", "the denial", seconds)
            source = [{"from": [{"podSelector": {"matchLabels": {"check": "friend"}}}]}]
            allowance = {"podSelector": {"matchLabels": {"check": "server"}}, "ingress": source}
            kube.apply(name, POLICY, "allow", allowance)
            allowed = kube.until(lambda: cut(friend), "the allowance", seconds)
            assert cut(stranger), "a stranger gets in with the friend"
    measured("denied_after_seconds", denied)
    measured("allowed_after_seconds", allowed)


POLICY = "networking.k8s.io/v1 NetworkPolicy"


@pytest.mark.control("K8S-010")
@pytest.mark.needs("workers")
def test_work_is_spread_and_replaced(kube, control, measured):
    racks = {member.host: member.rack for member in kube.nodes}
    wanted = len(kube.a_worker_of_each_rack())
    with kube.namespace("work") as name:
        kube.apply(name, "apps/v1 Deployment", "work", kube.deployment("work", wanted))

        def missing():
            return _missing(kube, name, wanted)

        kube.until(missing, "the pods", control.thresholds["seconds"])
        pods = kube.get(f"-n {name} pods -l check=work")["items"]
        assert len({racks[pod["spec"]["nodeName"]] for pod in pods}) == wanted, "pods share a rack"
        victim = pods[0]["metadata"]["name"]
        kube.ctl(f"-n {name} delete pod {victim} --now --wait=false")
        began = time.monotonic()
        kube.until(lambda: missing() or _still_there(kube, name, victim), "a new pod", control.thresholds["seconds"])
        measured("replaced_seconds", time.monotonic() - began)


def _missing(kube, namespace, wanted):
    ready = kube.get(f"-n {namespace} deployment work")["status"].get("readyReplicas", 0)
    return "" if ready == wanted else f"{ready} of {wanted} pods are ready"


def _still_there(kube, namespace, pod):
    return kube.ctl(f"-n {namespace} get pod {pod} --ignore-not-found -o name")


@pytest.mark.control("K8S-011")
def test_a_quota_holds(kube):
    node = kube.nodes[-1].host
    with kube.namespace("quota") as name:
        kube.apply(name, "v1 ResourceQuota", "one", {"hard": {"pods": "1"}})
        kube.ctl(f"-n {name} wait quota/one --for=jsonpath={{.status.hard.pods}}=1 --timeout=30s")
        kube.run_pod(name, "first", node)
        refused = kube.refusal("apply -f -", stdin=json.dumps(kube.pod(name, "second", node)))
        assert "exceeded quota" in refused, refused


@pytest.mark.control("K8S-012")
@pytest.mark.needs("workers")
def test_use_of_nodes_is_told(kube):
    told = {item["metadata"]["name"]: item["usage"] for item in json.loads(kube.ctl(f"get --raw {METRICS}"))["items"]}
    assert set(told) == {member.host for member in kube.nodes}
    for name, usage in told.items():
        assert parse_memory(usage["memory"]) > 0 and usage["cpu"] not in ("", "0"), f"{name}: {usage}"


@pytest.mark.control("K8S-026")
@pytest.mark.needs("own-store")
def test_upkeep_is_scheduled(kube):
    protection = kube.engine.spec.data_protection
    for member in kube.engine.members:
        for job in ("snapshot", "defragment"):
            unit = f"greenfield-kubernetes-{job}"
            state = member.on.check_output(f"systemctl is-active {unit}.timer || true")
            assert state == "active", f"{member.name}: the timer of {job} is {state}"
            enabled = member.on.check_output(f"systemctl is-enabled {unit}.timer || true")
            assert enabled == "enabled", f"{member.name}: the timer of {job} is {enabled}"
            # Of a service that has not run yet, systemd says "success" too.
            last = member.on.check_output(f"systemctl show -P Result {unit}.service")
            assert last == "success", f"{member.name}: the last {job} ended with {last}"
        every = period(member.on.check_output("systemctl cat greenfield-kubernetes-snapshot.timer"))
        assert every, f"{member.name}: snapshots have no period"
        if protection:
            assert every <= protection.rpo_seconds, f"{member.name}: a snapshot every {every} s"


METRICS = "/apis/metrics.k8s.io/v1beta1/nodes"

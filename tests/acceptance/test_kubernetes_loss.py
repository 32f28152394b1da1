"""How fast a Kubernetes cluster answers, and what it does when it loses something. It is left whole."""

from __future__ import annotations

import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from greenfield.engines.kubernetes import KUBELET_PORT, LOCAL_API_PORT
from greenfield.verify import scripts
from greenfield.verify.applicable import spare_racks
from greenfield.verify.kubernetes import PKI, Kubernetes
from greenfield.verify.kubernetes_volume import local_volume, run_mounted

DRILL_SECONDS = 20.0
"""How long the API is watched around a loss."""

QUIET_SECONDS = 2.0
"""How long it is watched before the loss."""

PATIENCE_SECONDS = 2.0
"""How long one request of theirs may take. While a store is cut off, an API server goes on to send it its share of the
requests for ten seconds; who waits for one of those learns nothing of the others, which are answered at once."""

CUT = "greenfield-verify-cut"
CUT_TABLE = "greenfield_verify_cut"
CUT_RULES = f"""table inet {CUT_TABLE} {{
  chain in {{ type filter hook input priority -400; iif lo accept; tcp dport 22 accept; drop; }}
  chain out {{ type filter hook output priority -400; oif lo accept; tcp sport 22 accept; drop; }}
  chain through {{ type filter hook forward priority -400; drop; }}
}}"""
"""Before every other rule of the host: only its own programs and those who are logged in go on."""

AGENTS = ("greenfield-kubernetes-api", "containerd", "kubelet", "kube-proxy", "flanneld", "kube-router")
PLANE = ("kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler")


@pytest.fixture
def kube(engine, acceptance):
    """The control plane under test, with its workers."""
    return Kubernetes.of(engine, acceptance)


@pytest.mark.control("K8S-013")
def test_requests_are_fast(kube, control, measured):
    bound = control.thresholds["p99"]
    first = kube.engine.members[0]
    with kube.namespace("speed") as name:
        settings = {"do": "clock", "paths": [f"/api/v1/namespaces/{name}/configmaps"], "name": "one"}
        settings |= {"address": "127.0.0.1", "port": LOCAL_API_PORT, "authority": f"{PKI}/ca.crt"}
        settings |= {
            "certificate": f"{PKI}/admin.crt",
            "key": f"{PKI}/admin.key",
            "count": control.thresholds["requests"],
        }
        found = scripts.run(first.on, "api_client", settings, timeout=300)
    for kind, times in found.items():
        measured(f"{kind}_p50_seconds", times["p50_seconds"])
        measured(f"{kind}_p99_seconds", times["p99_seconds"])
    for kind, times in found.items():
        assert times["p99_seconds"] <= bound, f"p99 of {kind} {times['p99_seconds'] * 1000:.0f} ms"


def watch(witness):
    """Ask the API from a node all through a drill; what came of it."""
    settings = {"do": "watch", "paths": [f"/api/v1/nodes/{witness.host}"], "seconds": DRILL_SECONDS}
    settings |= {"timeout": PATIENCE_SECONDS}
    settings |= {"address": "127.0.0.1", "port": LOCAL_API_PORT, "authority": f"{PKI}/ca.crt"}
    settings |= {"certificate": f"{PKI}/kubelet-client.crt", "key": f"{PKI}/kubelet-client.key"}
    return scripts.run(witness.on, "api_client", settings, timeout=3 * DRILL_SECONDS)


def judge(seen, whole, control, measured):
    """Whether nobody was interrupted for longer than is allowed."""
    measured("requests", seen["asked"])
    measured("failed_requests", seen["failed"])
    measured("longest_gap_seconds", seen["longest_gap_seconds"])
    measured("whole_again_seconds", whole)
    assert seen["longest_gap_seconds"] <= control.thresholds["gap"], f"no answer for {seen['longest_gap_seconds']} s"
    assert seen["asked"] - seen["failed"] >= control.thresholds["requests"], (
        f"{seen['asked']} requests: {seen['errors']}"
    )


@pytest.mark.control("K8S-014")
@pytest.mark.needs("another-member")
def test_loss_of_a_member_heals(kube, control, measured):
    victim = kube.engine.members[0]
    witness = kube.workers[0].members[-1] if kube.workers else kube.engine.members[-1]
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch, witness)
        try:
            time.sleep(QUIET_SECONDS)
            programs = "|".join(PLANE)
            victim.on.check_output(f"systemctl stop kubelet && pkill -KILL -f '^({programs}) --'")
            seen = watching.result()
            left = victim.on.run(f"pgrep -f '^({programs}) --'").stdout
        finally:
            victim.on.run("systemctl start kubelet")
            whole = kube.until(kube.unwell, "the whole control plane", control.thresholds["whole"])
    assert not left, f"{victim.host} was not lost"
    judge(seen, whole, control, measured)


def domain(kube):
    """Domain of names inside the cluster."""
    return kube.engine.spec.options["dns_domain"]


def nameless(found):
    """What is wrong with the answer to a question for a name; empty when it has an address."""
    return "" if found["addresses"] else found.get("error") or f"code {found['code']}"


@contextmanager
def cut_off(members):
    """These nodes hear and say nothing but to whoever is logged in; undone by themselves should we be gone.

    Gives what another node can run to see whether it reaches each.
    """
    asked = {member.host: f"timeout 2 bash -c '</dev/tcp/{member.address}/{KUBELET_PORT}'" for member in members}
    try:
        for member in members:
            after = f"--collect --unit={CUT} --on-active={3 * DRILL_SECONDS:.0f}s"
            member.on.check_output(
                f"systemd-run {after} nft delete table inet {CUT_TABLE}"
                f" && printf %s {shlex.quote(CUT_RULES)} | nft -f -"
            )
        yield asked
    finally:
        for member in members:
            member.on.run(f"nft delete table inet {CUT_TABLE}; systemctl stop {CUT}.timer")


@pytest.mark.control("K8S-028")
@pytest.mark.needs("spare-rack")
def test_loss_of_a_rack_heals(kube, acceptance, control, measured):
    lost = spare_racks(acceptance.subject.plan, kube.engine.name)[0]
    victims = [member for member in kube.nodes if member.rack == lost]
    witness = next(member for member in reversed(kube.nodes) if member.rack != lost)
    server = kube.get("-n kube-system service kube-dns")["spec"]["clusterIP"]
    question = {"do": "resolve", "server": server, "name": f"kubernetes.default.svc.{domain(kube)}", "seconds": 1}
    with kube.namespace("rack") as name, ThreadPoolExecutor(1) as pool:
        pod = kube.run_pod(name, "asks", witness.host)
        bound = control.thresholds["names"]
        watching = pool.submit(watch, witness)
        time.sleep(QUIET_SECONDS)
        try:
            with cut_off(victims) as names:
                began = time.monotonic()
                kube.until(lambda: nameless(kube.inside(witness.host, pod, question)), "a name", bound)
                measured("name_found_seconds", time.monotonic() - began)
                reached = [host for host, question in names.items() if witness.on.run(question).rc == 0]
                seen = watching.result()
        finally:
            whole = kube.until(kube.unwell, "the whole cluster", control.thresholds["whole"])
    measured("lost_nodes", len(victims))
    assert not reached, f"{', '.join(reached)} could still be reached"
    judge(seen, whole, control, measured)


@pytest.mark.control("K8S-027")
@pytest.mark.needs("workers")
def test_a_local_volume_keeps_its_data(kube):
    node = kube.a_worker_of_each_rack()[0]
    with kube.namespace("volume") as name, local_volume(kube, name, node):
        first = run_mounted(kube, name, "first")
        place = f"/var/lib/kubelet/pods/{first['uid']}/volumes/kubernetes.io~local-volume/{name}"
        node.on.check_output(f"printf %s kept > {place}/word")
        kube.ctl(f"delete pod -n {name} first --wait=true --timeout=60s")
        second = run_mounted(kube, name, "second")
        assert second["node"] == first["node"] == node.host, (
            f"the volume is on {node.host}, the pod on {second['node']}"
        )
        assert second["uid"] != first["uid"]
        place = f"/var/lib/kubelet/pods/{second['uid']}/volumes/kubernetes.io~local-volume/{name}"
        assert node.on.check_output(f"cat {place}/word") == "kept"


@pytest.mark.control("K8S-015")
def test_services_come_back_by_themselves(kube, control, measured):
    for member in kube.nodes:
        for unit in AGENTS:
            shown = member.on.check_output(f"systemctl show -P UnitFileState -P ActiveState -P Restart {unit}.service")
            assert sorted(shown.split()) == ["active", "always", "enabled"], f"{unit} on {member.host}: {shown.split()}"
    victim = kube.nodes[-1]
    units = " ".join(f"{unit}.service" for unit in AGENTS)
    before = victim.on.check_output(f"systemctl show -P MainPID {units}").split()
    victim.on.check_output(f"systemctl kill --signal=KILL --kill-whom=main {units}")

    def down():
        pids = victim.on.check_output(f"systemctl show -P MainPID {units}").split()
        return ", ".join(unit for unit, old, new in zip(AGENTS, before, pids, strict=True) if new in ("0", old))

    measured("back_seconds", kube.until(down, "the services", control.thresholds["back"]))
    kube.until(kube.unwell, "the cluster")

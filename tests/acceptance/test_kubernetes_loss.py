"""How fast a Kubernetes cluster answers, and what it does when it loses something. It is left whole."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from greenfield.engines.kubernetes import LOCAL_API_PORT
from greenfield.verify import scripts
from greenfield.verify.kubernetes import PKI, Kubernetes

DRILL_SECONDS = 20.0
"""How long the API is watched around a loss."""

QUIET_SECONDS = 2.0
"""How long it is watched before the loss."""

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


@pytest.mark.control("K8S-014")
def test_loss_of_a_member_heals(kube, control, measured):
    victim = kube.engine.members[0]
    witness = kube.workers[0].members[-1] if kube.workers else kube.engine.members[-1]
    settings = {"do": "watch", "paths": [f"/api/v1/nodes/{witness.host}"], "seconds": DRILL_SECONDS}
    settings |= {"address": "127.0.0.1", "port": LOCAL_API_PORT, "authority": f"{PKI}/ca.crt"}
    settings |= {"certificate": f"{PKI}/kubelet-client.crt", "key": f"{PKI}/kubelet-client.key"}
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(scripts.run, witness.on, "api_client", settings, timeout=3 * DRILL_SECONDS)
        try:
            time.sleep(QUIET_SECONDS)
            programs = "|".join(PLANE)
            victim.on.check_output(f"systemctl stop kubelet && pkill -KILL -f '^({programs}) --'")
            seen = watching.result()
            left = victim.on.run(f"pgrep -f '^({programs}) --'").stdout
        finally:
            victim.on.run("systemctl start kubelet")
            whole = kube.until(kube.unwell, "the whole control plane", control.thresholds["whole"])
    measured("requests", seen["asked"])
    measured("failed_requests", seen["failed"])
    measured("longest_gap_seconds", seen["longest_gap_seconds"])
    measured("whole_again_seconds", whole)
    assert not left, f"{victim.host} was not lost"
    assert seen["longest_gap_seconds"] <= control.thresholds["gap"], f"no answer for {seen['longest_gap_seconds']} s"
    assert seen["asked"] - seen["failed"] >= control.thresholds["requests"], (
        f"{seen['asked']} requests: {seen['errors']}"
    )


@pytest.mark.control("K8S-015")
def test_services_come_back_by_themselves(kube, control, measured):
    for member in kube.nodes:
        for unit in AGENTS:
            shown = member.on.check_output(f"systemctl show -P UnitFileState -P ActiveState -P Restart {unit}.service")
            assert sorted(shown.split()) == ["active", "always", "enabled"], f"{unit} on {member.host}: {shown.split()}"
    victim = kube.a_worker_of_each_rack()[-1]
    units = " ".join(f"{unit}.service" for unit in AGENTS)
    before = victim.on.check_output(f"systemctl show -P MainPID {units}").split()
    victim.on.check_output(f"systemctl kill --signal=KILL --kill-whom=main {units}")

    def down():
        pids = victim.on.check_output(f"systemctl show -P MainPID {units}").split()
        return ", ".join(unit for unit, old, new in zip(AGENTS, before, pids, strict=True) if new in ("0", old))

    measured("back_seconds", kube.until(down, "the services", control.thresholds["back"]))
    kube.until(kube.unwell, "the cluster")

"""Whether a Kubernetes cluster is told what is wrong with its nodes."""

from __future__ import annotations

from datetime import datetime

import pytest

from greenfield.verify.kubernetes import Kubernetes

PROBLEMS = "greenfield-kubernetes-problems"
PROBLEM_TYPES = ("FrequentContainerdRestart", "FrequentKubeletRestart", "NTPProblem", "ReadonlyFilesystem")


@pytest.fixture
def kube(engine, acceptance):
    """The control plane under test, with its workers."""
    return Kubernetes.of(engine, acceptance)


@pytest.mark.control("K8S-029")
def test_problems_of_nodes_are_told(kube, control, measured):
    def conditions(host):
        return {found["type"]: found for found in kube.node(host)["status"]["conditions"]}

    def untold():
        return ", ".join(member.host for member in kube.nodes if not set(PROBLEM_TYPES) <= set(conditions(member.host)))

    kube.until(untold, "the first look of every node", control.thresholds["told"])
    for member in kube.nodes:
        timer = member.on.check_output(f"systemctl show -P UnitFileState -P ActiveState {PROBLEMS}.timer")
        assert sorted(timer.split()) == ["active", "enabled"], f"{member.host}: the timer is {timer.split()}"
        now = float(member.on.check_output("date +%s"))
        for kind in PROBLEM_TYPES:
            found = conditions(member.host)[kind]
            assert found["status"] == "False", f"{member.host}: {kind}: {found['message']}"
            age = now - datetime.fromisoformat(found["lastHeartbeatTime"]).timestamp()
            assert age <= control.thresholds["age"], f"{member.host}: {kind} was last told {age:.0f} s ago"
    victim = kube.nodes[-1]

    def not_told(status):
        victim.on.check_output(f"systemctl start {PROBLEMS}.service")
        found = conditions(victim.host)["NTPProblem"]["status"]
        return "" if found == status else f"NTPProblem of {victim.host} is {found}"

    try:
        victim.on.check_output("systemctl stop chrony.service")
        measured("told_seconds", kube.until(lambda: not_told("True"), "the problem", control.thresholds["told"]))
    finally:
        victim.on.check_output("systemctl start chrony.service")
        over = kube.until(lambda: not_told("False"), "the end of the problem", control.thresholds["told"])
    measured("over_seconds", over)

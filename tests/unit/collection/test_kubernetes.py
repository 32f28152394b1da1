"""What a node hands over, and what kubeadm says when it fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from greenfield import content

sys.path.insert(0, str(content.collections()))

from ansible_collections.greenfield.host.plugins.module_utils import control_plane, kube_drain, kubeadm
from ansible_collections.greenfield.host.plugins.module_utils.kube_client import KubeError, condition, is_ready


def pod(name: str, **metadata: object) -> dict:
    phase = metadata.pop("phase", "Running")
    return {"metadata": {"name": name, "namespace": "shop", **metadata}, "status": {"phase": phase}}


PODS = [
    pod("web", ownerReferences=[{"kind": "ReplicaSet"}]),
    pod("bare"),
    pod("etcd-r1-h1", annotations={"kubernetes.io/config.mirror": "1"}),
    pod("agent", ownerReferences=[{"kind": "DaemonSet"}]),
    pod("job", ownerReferences=[{"kind": "Job"}], phase="Succeeded"),
]


class Api:
    """A node's pods, of which those in ``held`` have a budget that forbids their eviction."""

    def __init__(self, held: set[str] = frozenset(), pods: list[dict] = PODS) -> None:
        self.held, self.pods, self.evicted = held, list(pods), []

    def get(self, path: str) -> dict:
        assert path == "/api/v1/pods?fieldSelector=spec.nodeName%3Dr1-h2"
        return {"items": self.pods}

    def call(self, method: str, path: str, body: dict) -> dict:
        name = body["metadata"]["name"]
        assert (method, path) == ("POST", f"/api/v1/namespaces/shop/pods/{name}/eviction")
        if name in self.held:
            raise KubeError("Cannot evict pod as it would violate the pod's disruption budget: web", 429)
        self.evicted.append(name)
        self.pods = [each for each in self.pods if each["metadata"]["name"] != name]
        return {}


def test_static_finished_and_daemon_pods_stay_where_they_are() -> None:
    assert [each["metadata"]["name"] for each in kube_drain.movable(Api(), "r1-h2")] == ["web", "bare"]


def test_a_drained_node_has_nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_drain, "RETRY_SECONDS", 0)
    api = Api()
    assert kube_drain.drain(api, "r1-h2", 5) == ""
    assert api.evicted == ["web", "bare"]


def test_a_pod_that_can_not_move_is_named_with_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_drain, "RETRY_SECONDS", 0)
    stays = kube_drain.drain(Api({"web"}), "r1-h2", 0.05)
    assert stays.startswith("shop/web: ")
    assert "disruption budget: web" in stays
    assert "shop/bare" not in stays


def test_an_api_that_fails_is_not_taken_for_a_budget() -> None:
    class Broken(Api):
        def call(self, method: str, path: str, body: dict) -> dict:
            raise KubeError("etcd leader changed", 500)

    with pytest.raises(KubeError, match="leader"):
        kube_drain.drain(Broken(), "r1-h2", 1)


@pytest.mark.parametrize(("status", "ready"), [("True", True), ("False", False), ("Unknown", False)])
def test_a_node_is_ready_only_when_it_says_so(status: str, ready: bool) -> None:
    node = {"status": {"conditions": [{"type": "Ready", "status": status, "message": "m"}]}}
    assert is_ready(node) is ready
    assert condition(node, "Ready")["message"] == "m"
    assert not is_ready({"status": {}})


def test_kubeadm_is_quoted_without_its_warnings() -> None:
    said = "W1121 14:05:56.4 port\n\t[WARNING Swap]: on\n\t[ERROR Port-10250]: in use\nTo see the stack trace of"
    assert kubeadm._end(said) == "[ERROR Port-10250]: in use"
    assert kubeadm._end("") == "it said nothing"


def test_the_release_of_a_member_is_its_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = tmp_path / "kube-apiserver.yaml"
    monkeypatch.setattr(kubeadm, "MANIFEST", str(manifest))
    assert kubeadm.Kubeadm("/bin").release() == ""
    manifest.write_text("    image: registry.k8s.io/kube-apiserver:v1.35.4\n    imagePullPolicy: IfNotPresent\n")
    assert kubeadm.Kubeadm("/bin").release() == "1.35.4"


def test_a_change_of_what_is_applied_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeadm, "NOTE", str(tmp_path / "note"))
    for name in ("cluster", "kubeadm", "policy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text("one")
    tool = kubeadm.Kubeadm("/bin", str(tmp_path))
    assert tool.applied() != tool.digest()
    tool.note()
    assert tool.applied() == tool.digest()
    (tmp_path / "policy" / "a.yaml").write_text("two")
    assert tool.applied() != tool.digest()


@pytest.mark.parametrize(
    ("placed", "again"),
    [
        (["a1", "a1"], True),
        (["a1", "a2"], True),
        (["a1", "b1"], False),
        (["a1"], False),
        (["a1", None], False),
        (["c1", "c1"], True),
    ],
)
def test_names_are_spread_again_only_where_one_rack_has_them_all(placed: list[str | None], again: bool) -> None:
    """A pod without a node, or on one that is not ready, is in no zone."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    nodes = [
        {"metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": name[0]}}, "status": ready}
        for name in ("a1", "a2", "b1")
    ]
    pods = [{"spec": {"nodeName": name} if name else {}} for name in placed]
    assert control_plane.in_one_zone(nodes, pods) is again
    assert not control_plane.in_one_zone(nodes[:2], pods), "there is no other rack"

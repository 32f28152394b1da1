"""How a member's static pods are replaced, by an upgrade that may be ended at any point."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from pathlib import Path

import pytest

from greenfield import content

sys.path.insert(0, str(content.collections()))

from ansible_collections.greenfield.host.plugins.module_utils import control_plane, kubeadm, static_pods
from ansible_collections.greenfield.host.plugins.modules import kubernetes_plane


class Host:
    """A member's files, and what is called on it: the kubelet, its pods' containers and kubeadm."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, grace: float = 5) -> None:
        self.folder, self.done, self.alive, self.deaf = folder, [], set(), set()
        for name in ("manifests", "rendered", "before"):
            monkeypatch.setattr(static_pods, name.upper(), str(folder / name))
        monkeypatch.setattr(kubeadm, "MANIFEST", str(folder / "manifests" / "kube-apiserver.yaml"))
        monkeypatch.setattr(static_pods, "DROP_IN", str(folder / "drop-in" / "greenfield.conf"))
        monkeypatch.setattr(static_pods, "GRACE_SECONDS", grace)
        monkeypatch.setattr(static_pods, "call", self.call)
        for name in (*static_pods.SERVERS, "etcd"):
            self.lay("manifests", name, "1.34.4")
            self.lay("rendered", name, "1.35.4")
            self.alive.add(f"id-of-{name}")

    def lay(self, folder: str, name: str, release: str) -> None:
        (self.folder / folder).mkdir(exist_ok=True)
        (self.folder / folder / f"{name}.yaml").write_text(f"image: registry.k8s.io/{name}:v{release}\n")

    def call(self, command: list[str], seconds: int = 60, environment: object = None, check: bool = True) -> str:
        words = [word for word in command if word not in ("--connect-timeout", "5s", "--namespace", "k8s.io")]
        if words[:3] == ["ctr", "tasks", "list"]:
            rows = [f"{container} 7 RUNNING" for container in sorted(self.alive)]
            return "\n".join(["TASK PID STATUS", *rows, "id-of-web 8 RUNNING", "id-of-old 9 STOPPED"])
        if words[:3] == ["ctr", "containers", "list"]:
            names = [name for name in (*static_pods.SERVERS, "etcd") if any(f"=={name}," in word for word in words)]
            assert [word.rpartition("==")[2] for word in words[4:]] == [f"{name}-r1-h1" for name in names]
            return "\n".join(f"id-of-{name}" for name in names)
        if words[:3] == ["ctr", "tasks", "kill"]:
            self.done.append(" ".join(words[4:]))
            if words[4] == "SIGKILL" or words[5] not in self.deaf:
                self.alive.discard(words[5])
        elif words[1] == "show":
            return f"{os.getpid()}\n"
        else:
            self.done.append(" ".join(words[1:]))
        return ""

    def releases(self) -> set[str]:
        """Releases of the manifests that a kubelet would find."""
        return {path.read_text().rpartition(":v")[2].strip() for path in (self.folder / "manifests").glob("*.yaml")}


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def pods() -> static_pods.StaticPods:
    return static_pods.StaticPods(kubeadm.Kubeadm("/bin"), "r1-h1")


def test_all_pods_are_replaced_at_once_and_etcd_ends_after_the_api_server(host: Host) -> None:
    pods().switch()
    asked = [f"SIGTERM id-of-{name}" for name in (*static_pods.SERVERS, "etcd")]
    assert host.done == ["stop kubelet.service", *asked, "daemon-reload", "start --no-block kubelet.service"]
    assert host.releases() == {"1.35.4"}


def test_a_pod_that_does_not_listen_is_ended_as_a_kubelet_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(tmp_path, monkeypatch, grace=0)
    host.deaf = {"id-of-kube-apiserver"}
    pods().switch()
    assert host.done[4] == "SIGKILL id-of-kube-apiserver"
    assert host.done[5] == "SIGTERM id-of-etcd"


def test_the_kubelet_runs_again_whatever_fails(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        static_pods, "_ctr", lambda *_, **__: (_ for _ in ()).throw(kubeadm.KubeadmError("no containerd"))
    )
    with pytest.raises(kubeadm.KubeadmError, match="no containerd"):
        pods().switch()
    assert host.done[-1] == "start --no-block kubelet.service"
    assert host.releases() == {"1.34.4"}


def test_what_ran_before_is_put_back_with_its_kubelet(host: Host, tmp_path: Path) -> None:
    tool = pods()
    assert not tool.pending()
    tool.keep()
    assert tool.pending()
    tool.switch()
    assert not (tmp_path / "drop-in" / "greenfield.conf").exists()
    tool.switch(back=True)
    assert host.releases() == {"1.34.4"}
    words = Path("/proc/self/cmdline").read_text().split("\0")[:-1]
    assert (tmp_path / "drop-in" / "greenfield.conf").read_text().splitlines()[1:] == [
        "ExecStart=",
        f"ExecStart={static_pods.exec_line(words)}",
    ]
    tool.switch()
    assert not (tmp_path / "drop-in" / "greenfield.conf").exists(), "the next attempt runs the kubelet of now"
    tool.done()
    assert not tool.pending()
    assert not list(tmp_path.glob("before*"))


def test_half_of_what_was_put_aside_is_no_mark(host: Host, tmp_path: Path) -> None:
    """Killed while it was put aside: it is put aside anew, of what still runs."""
    (tmp_path / "before.new").mkdir()
    (tmp_path / "before.new" / "etcd.yaml").write_text("")
    assert not pods().pending()
    pods().keep()
    assert sorted(path.name for path in (tmp_path / "before").iterdir()) == [
        "etcd.yaml",
        "kube-apiserver.yaml",
        "kube-controller-manager.yaml",
        "kube-scheduler.yaml",
        "kubelet.service",
    ]


def test_a_command_in_a_unit_means_what_it_says() -> None:
    assert static_pods.exec_line(["/opt/kubelet", "--x=a b%c$d"]) == '"/opt/kubelet" "--x=a b%%c$$d"'


class Member(control_plane.Plane):
    """A member of a control plane whose API answers, or does not, as told."""

    def __init__(self, behind: list[str]) -> None:
        self.parameters = {"release": "1.35.4", "stacked": False, "plane": []}
        self.node, self.seconds, self.module = "r1-h1", 0, type("Module", (), {"check_mode": False})()
        self.kubeadm, self.pods = kubeadm.Kubeadm("/bin"), pods()
        self.answers, self.did = list(behind), []
        self.pods.render = lambda: self.did.append("render")
        self.kubeadm.upgrade = lambda *words, seconds: self.did.append(f"upgrade {words[0]} {words[1]}")

    def _check(self) -> None:
        self.did.append("check")

    def _behind(self) -> str:
        return self.answers.pop(0)

    def own_trouble(self) -> str:
        return ""


def test_an_upgrade_checks_before_it_stops_anything(host: Host) -> None:
    member = Member(behind=[""])
    assert member._upgrade() == "upgrade"
    assert member.did == ["check", "render", "upgrade apply --yes"]
    assert host.releases() == {"1.35.4"}
    assert not member.pods.pending()


def test_an_api_server_that_does_not_come_up_is_replaced_by_the_one_before(host: Host) -> None:
    member = Member(behind=["10.0.1.11 is not ready: [-]etcd failed"])
    with pytest.raises(kubeadm.KubeadmError, match=r"\[-\]etcd failed; what ran before was put back and answers again"):
        member._upgrade()
    assert host.releases() == {"1.34.4"}
    assert not member.pods.pending(), "the next run begins with the checks"


@pytest.mark.parametrize("new", [0, 2, 4])
def test_an_upgrade_that_was_ended_goes_on(host: Host, new: int) -> None:
    """Killed with some manifests of the new release in place, or all, and the kubelet and its pods stopped."""
    pods().keep()
    for name in (*static_pods.SERVERS, "etcd")[:new]:
        host.lay("manifests", name, "1.35.4")
    host.alive.clear()
    member = Member(behind=["10.0.1.11 did not answer", ""])
    assert member._upgrade() == "upgrade"
    assert member.did == ["render", "upgrade apply --yes"]
    assert host.done == ["stop kubelet.service", "daemon-reload", "start --no-block kubelet.service"]
    assert host.releases() == {"1.35.4"}
    assert not member.pods.pending()


def test_an_upgrade_that_was_ended_after_the_switch_stops_nothing_again(host: Host) -> None:
    pods().keep()
    member = Member(behind=[""])
    member._upgrade()
    assert member.did == ["upgrade apply --yes"]
    assert host.done == []


def test_a_change_that_is_not_done_is_an_upgrade_whatever_the_manifest_says(host: Host) -> None:
    pods().keep()
    host.lay("manifests", "kube-apiserver", "1.35.4")
    member = Member(behind=[])
    member.module.check_mode = True
    assert member.member() == "upgrade"


def test_a_change_of_a_member_goes_on_when_its_connection_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubernetes_plane, "LOCK", str(tmp_path / "run" / "lock"))
    before = signal.getsignal(signal.SIGTERM)
    with kubernetes_plane._to_the_end():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        with (tmp_path / "run" / "lock").open("w") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert signal.getsignal(signal.SIGTERM) == before

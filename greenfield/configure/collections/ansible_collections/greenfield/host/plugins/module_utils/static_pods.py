"""The control plane's pods of a member, and how they are replaced by those of another release."""

from __future__ import annotations

import json
import os
import shutil

from ansible_collections.greenfield.host.plugins.module_utils.files import read
from ansible_collections.greenfield.host.plugins.module_utils.kube_client import wait
from ansible_collections.greenfield.host.plugins.module_utils.kubeadm import MANIFESTS, KubeadmError, call, lay

RENDERED = "/var/lib/greenfield/kubernetes-rendered"
BEFORE = "/var/lib/greenfield/kubernetes-before"
"""What ran before a change of release: manifests, and the kubelet's command. It is there while the change goes on."""

KUBELET = "kubelet.service"
DROP_IN = f"/run/systemd/system/{KUBELET}.d/greenfield-before.conf"
"""Keeps the kubelet of before where the new API server did not come up: none may be newer than its API server."""

SERVERS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
GRACE_SECONDS = 30
"""What a kubelet gives a static pod to end, too."""


class StaticPods:
    """The control plane's pods of a member, replaced all at once while its kubelet stands still.

    ``kubeadm upgrade`` replaces one after the other below a running kubelet, which takes 10 to 15 s for each (it looks
    only once in its ``backOffPeriod`` whether the old one is gone). And a kubelet of the next minor release knows none
    of the pods that an older one made: it kills what still runs of them, with a second's notice.
    """

    def __init__(self, kubeadm, node):
        self.kubeadm = kubeadm
        self.node = node

    def pending(self):
        """Whether a change of release was begun here and is not done."""
        return os.path.isdir(BEFORE)

    def render(self, seconds=60):
        """Have kubeadm make the new manifests beside those that run."""
        shutil.rmtree(RENDERED, ignore_errors=True)
        os.makedirs(RENDERED, mode=0o700)
        for phase in (("control-plane", "all"), ("etcd", "local")):
            self.kubeadm.init("phase", *phase, "--dry-run", seconds=seconds, KUBEADM_INIT_DRYRUN_DIR=RENDERED)
        lacking = sorted(set(manifests_in(MANIFESTS)) - set(manifests_in(RENDERED)))
        if lacking:
            raise KubeadmError(f"kubeadm made no manifest of {', '.join(lacking)}")

    def keep(self):
        """Put aside what runs; it is the mark of a change that goes on, so it is complete or not there."""
        staged = f"{BEFORE}.new"
        shutil.rmtree(staged, ignore_errors=True)
        os.makedirs(staged, mode=0o700)
        for name in manifests_in(MANIFESTS):
            lay(os.path.join(staged, f"{name}.yaml"), read(os.path.join(MANIFESTS, f"{name}.yaml")))
        pid = call(["systemctl", "show", "--property", "MainPID", "--value", KUBELET]).strip()
        words = (read(f"/proc/{pid}/cmdline") or b"").decode().split("\0")[:-1]
        if words:
            lay(os.path.join(staged, KUBELET), f"[Service]\nExecStart=\nExecStart={exec_line(words)}\n".encode())
        os.rename(staged, BEFORE)

    def switch(self, back=False):
        """Stop the kubelet and the pods, put the other manifests in their place, and start the kubelet that they want.

        A host that goes down in between comes up with a kubelet and with whole manifests, of either release.
        """
        folder = BEFORE if back else RENDERED
        call(["systemctl", "stop", KUBELET])
        try:
            # The API server answers until it is gone, for which it needs its etcd.
            self._stop(SERVERS)
            self._stop(("etcd",))
            for name in manifests_in(folder):
                lay(os.path.join(MANIFESTS, f"{name}.yaml"), read(os.path.join(folder, f"{name}.yaml")))
            kubelet = read(os.path.join(folder, KUBELET))
            if kubelet:
                lay(DROP_IN, kubelet)
            elif os.path.exists(DROP_IN):
                os.unlink(DROP_IN)
        finally:
            call(["systemctl", "daemon-reload"])
            call(["systemctl", "start", "--no-block", KUBELET])

    def done(self):
        """The change is done, in whatever way: what was put aside is not needed any more."""
        shutil.rmtree(RENDERED, ignore_errors=True)
        if self.pending():
            # First away from its place: half of it must not be taken for a change that goes on.
            os.rename(BEFORE, f"{BEFORE}.new")
            shutil.rmtree(f"{BEFORE}.new")

    def _stop(self, names):
        for sign in ("SIGTERM", "SIGKILL"):
            for container in self._running(names):
                _ctr("tasks", "kill", "--signal", sign, container, check=False)
            if not wait(GRACE_SECONDS, lambda: " ".join(self._running(names))):
                return
        raise KubeadmError(f"{', '.join(names)} on {self.node} can't be stopped; see journalctl -u containerd")

    def _running(self, names):
        alive = running_tasks(_ctr("tasks", "list"))
        kind = 'labels."io.kubernetes.pod.namespace"==kube-system,labels."io.kubernetes.container.name"=={0},'
        kind += f'labels."io.kubernetes.pod.name"=={{0}}-{self.node}'
        found = _ctr("containers", "list", "--quiet", *(kind.format(name) for name in names))
        return [container for container in found.split() if container in alive]


def manifests_in(folder):
    """Names of the control plane's pods that have a manifest in a folder."""
    return [name for name in (*SERVERS, "etcd") if os.path.exists(os.path.join(folder, f"{name}.yaml"))]


def exec_line(words):
    """A command as systemd takes it in a unit."""
    return " ".join(json.dumps(word).replace("%", "%%").replace("$", "$$") for word in words)


def running_tasks(text):
    """Containers that ``ctr tasks list`` shows with a living process."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return {row[0] for row in rows if len(row) == 3 and row[2] != "STOPPED"}


def _ctr(*words, check=True):
    return call(["ctr", "--connect-timeout", "5s", "--namespace", "k8s.io", *words], check=check)

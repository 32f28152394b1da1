"""A Kubernetes control plane as one of its members sees it: how a member enters, follows, and is judged."""

from __future__ import annotations

import os
import subprocess
import time

from ansible_collections.greenfield.host.plugins.module_utils.kube_client import (
    Kube,
    KubeError,
    condition,
    is_ready,
    wait,
)
from ansible_collections.greenfield.host.plugins.module_utils.kubeadm import (
    Kubeadm,
    KubeadmError,
    forget_etcd_member,
    listens,
    restore,
    set_aside,
    unready,
)

PKI = "/etc/kubernetes/pki"
UNITS = ("greenfield-kubernetes-api.service", "kubelet.service", "flanneld.service")
ENTRY_SECONDS = 150
"""How long a member that joins waits for the first one to begin, which takes about 20 s."""

RETURN_SECONDS = 30
"""How long for a member to answer again where none is about to begin."""

APPLY_SECONDS = 60
ETCD_PEER_PORT = 2380

ENGINE_LABEL = "greenfield.io/engine"
ZONE = "topology.kubernetes.io/zone"
NAMES = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
FORMED = "/api/v1/namespaces/kube-system/configmaps/greenfield-formed"


class Plane:
    """A control plane as seen from one of its members."""

    def __init__(self, module):
        self.module = module
        self.parameters = module.params
        self.node = module.params["node"]
        self.seconds = module.params["deadline_seconds"]
        self.kubeadm = Kubeadm(module.params["bin"])
        self.authority = module.params["identity"]["authority"]

    @property
    def kube(self):
        """The API as an administrator."""
        return Kube(self.parameters["identity"])

    def others(self):
        """Addresses of the other members whose API is ready."""
        port = self.parameters["api_port"]
        addresses = [member["address"] for member in self.parameters["plane"] if member["host"] != self.node]
        return [address for address in addresses if not unready(address, port, self.authority)]

    def own_trouble(self):
        """Why this member's own API is not ready."""
        address = next(m["address"] for m in self.parameters["plane"] if m["host"] == self.node)
        return unready(address, self.parameters["api_port"], self.authority)

    def member(self):
        """Bring this member where it belongs; what was done."""
        running, release = self.kubeadm.release(), self.parameters["release"]
        if not running:
            action = self._enter
        elif running != release:
            action = self._upgrade
        elif self.kubeadm.applied() != self.kubeadm.digest():
            action = self._reconfigure
        else:
            return ""
        if self.module.check_mode:
            return action.__name__.strip("_")
        done = action()
        trouble = wait(self.seconds, self.own_trouble)
        if trouble:
            raise KubeadmError(f"after {done}, {trouble}; see journalctl -u kubelet and /var/log/pods on {self.node}")
        # Without these rights no node gets its network, so no node becomes ready. The proxy on this host may still hold
        # connections to the API server that has just been replaced.
        trouble = wait(APPLY_SECONDS, self._apply_trouble)
        if trouble:
            raise KubeadmError(trouble)
        self.kubeadm.note()
        return done

    def _enter(self):
        subprocess.run(["systemctl", "daemon-reload"], check=True)
        subprocess.run(["systemctl", "start", "--no-block", *UNITS], check=True)
        if self.parameters["stacked"]:
            set_aside(self.parameters["data"])
        first = self.parameters["plane"][0]["host"] == self.node
        begins = bool(self.parameters["snapshot"]) or not self.parameters["formed"]
        if first and begins and not self.others():
            return self._begin()
        seconds = ENTRY_SECONDS if begins else RETURN_SECONDS
        trouble = wait(seconds, lambda: "" if self.others() else "no member of the control plane answers")
        if trouble:
            raise KubeadmError(f"{self.node} can't join: {trouble}{self._way_out()}")
        if self.parameters["stacked"]:
            forget_etcd_member(self.parameters["bin"], PKI, self.node, self.others())
        self.kubeadm.run("join", "--config", self.kubeadm.path("join"), seconds=self.seconds)
        return "join"

    def _begin(self):
        snapshot = self.parameters["snapshot"]
        if not snapshot:
            self.kubeadm.init(seconds=self.seconds)
            return "init"
        held = [m["host"] for m in self.parameters["plane"] if m["host"] != self.node and self._runs(m["address"])]
        if held:
            raise KubeadmError(
                f"something of the control plane still runs on {', '.join(held)}; a snapshot is for one that is"
                " destroyed: bring that member back, or stop it and take its data away first"
            )
        address = next(m["address"] for m in self.parameters["plane"] if m["host"] == self.node)
        restore(self.parameters["bin"], snapshot, self.parameters["data"], self.node, address)
        self.kubeadm.init(seconds=self.seconds)
        os.unlink(snapshot)
        return "restore"

    def _runs(self, address):
        return any(listens(address, port) for port in (self.parameters["api_port"], ETCD_PEER_PORT))

    def _way_out(self):
        """What a control plane that was formed before, and is all gone, can begin from."""
        if not self.parameters["formed"]:
            return ""
        begin = f"greenfield up SPEC --restore {self.parameters['engine']}=SNAPSHOT"
        return f"; it stood before, so it begins only from a snapshot, when no member can be brought back: {begin}"

    def _upgrade(self):
        record = self.kube.get("/api/v1/namespaces/kube-system/configmaps/kubeadm-config")["data"]
        if f"kubernetesVersion: v{self.parameters['release']}" in record["ClusterConfiguration"]:
            self.kubeadm.upgrade("node", seconds=self.seconds)
        else:
            # The configuration that it follows is the cluster's own record, so that is brought up to date first.
            self.kubeadm.init("phase", "upload-config", "kubeadm", seconds=60)
            self.kubeadm.upgrade("apply", "--yes", seconds=self.seconds)
        return "upgrade"

    def _reconfigure(self):
        for phase in (("control-plane", "all"), ("upload-config", "kubeadm")):
            self.kubeadm.init("phase", *phase, seconds=60)
        return "reconfigure"

    def formed(self):
        """Lay down the cluster's own objects, wait for the whole, and keep that it was whole once."""
        own = self.parameters["nodes"] == self.parameters["plane"]
        trouble = wait(self.seconds, self._apply_trouble) if own else ""
        trouble = trouble or wait(self.seconds, self.whole_trouble)
        if trouble:
            raise KubeadmError(trouble)
        kube = self.kube
        gone = self._forget_nodes(kube)
        gone = self._spread_names(kube) or gone
        if kube.find(FORMED) is None:
            kube.call(
                "POST",
                FORMED.rsplit("/", 1)[0],
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": FORMED.rsplit("/", 1)[1]}},
            )
            return True
        return gone

    def _apply_trouble(self):
        try:
            self.kubeadm.apply()
        except KubeadmError as error:
            return str(error)
        return ""

    def whole_trouble(self):
        """What is not well, in words; empty when all is."""
        port, spared = self.parameters["api_port"], set(self.parameters["except_members"])
        try:
            nodes, silent = {node["metadata"]["name"]: node for node in self.kube.get("/api/v1/nodes")["items"]}, ""
        except KubeError as error:
            nodes, silent = {}, str(error)
        asked = [
            m for m in self.parameters["plane"] if m["name"] not in spared and (silent or not self._comes(m, nodes))
        ]
        ill = [unready(m["address"], port, self.authority) for m in asked]
        if any(ill) or silent:
            return "; ".join(words for words in ill if words) or silent
        for member in self.parameters["nodes"]:
            if member["name"] in spared or self._comes(member, nodes):
                continue
            node = nodes.get(member["host"])
            if node is None:
                return f"{member['host']} is no node of the cluster"
            if not is_ready(node):
                return f"node {member['host']} is not ready: {condition(node, 'Ready').get('message', 'it is silent')}"
        return ""

    def _spread_names(self, kube):
        """Make the pods that answer for names anew where one rack has them all, as on the first node of a cluster."""
        pods = kube.get("/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-dns")["items"]
        if not in_one_zone(kube.get("/api/v1/nodes")["items"], pods):
            return False
        again = {"metadata": {"annotations": {"greenfield.io/spread-at": str(int(time.time()))}}}
        kube.patch(NAMES, {"spec": {"template": again}})
        return True

    def _comes(self, member, nodes):
        """Whether it is one that the change that goes on is still to bring."""
        return self.parameters["changing"] and member["host"] not in nodes

    def _forget_nodes(self, kube):
        planned = {member["host"] for member in self.parameters["nodes"]}
        listed = kube.get(f"/api/v1/nodes?labelSelector={ENGINE_LABEL}%3D{self.parameters['engine']}")["items"]
        gone = [node["metadata"]["name"] for node in listed if not is_ready(node)]
        gone = [name for name in gone if name not in planned]
        for name in gone:
            kube.call("DELETE", f"/api/v1/nodes/{name}")
        return bool(gone)


def in_one_zone(nodes, pods):
    """Whether several pods are all in one zone although ready nodes are in others too."""
    zones = {node["metadata"]["name"]: node["metadata"]["labels"].get(ZONE) for node in nodes if is_ready(node)}
    held = {zones.get(pod["spec"].get("nodeName")) for pod in pods}
    return len(pods) > 1 and len(held) == 1 and len(set(zones.values())) > 1

"""A Kubernetes control plane as one of its members sees it: how a member enters, follows, and is judged."""

from __future__ import annotations

import os
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
    call,
    forget_etcd_member,
    listens,
    restore,
    set_aside,
    unready,
)
from ansible_collections.greenfield.host.plugins.module_utils.static_pods import SERVERS, StaticPods

PKI = "/etc/kubernetes/pki"
UNITS = ("greenfield-kubernetes-api.service", "kubelet.service", "flanneld.service")
ENTRY_SECONDS = 150
"""How long a member that joins waits for the first one to begin, which takes about 20 s."""

RETURN_SECONDS = 30
"""How long for a member to answer again where none is about to begin."""

APPLY_SECONDS = 60
ETCD_PEER_PORT = 2380
LOOPBACK_PORTS = {"kube-controller-manager": 10257, "kube-scheduler": 10259}

AFTER_SWITCH = "--skip-phases=preflight,control-plane,kubeconfig,kubelet-config,bootstrap-token,addon/kube-proxy"
"""What ``kubeadm upgrade`` shall not do then, instead of what upgrade.yaml says: the kubelet's files are the role's."""

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
        self.pods = StaticPods(self.kubeadm, self.node)
        self.authority = module.params["identity"]["authority"]

    @property
    def kube(self):
        """The API as an administrator."""
        return Kube(self.parameters["identity"])

    @property
    def address(self):
        """Address of this member."""
        return next(m["address"] for m in self.parameters["plane"] if m["host"] == self.node)

    def _ask_others(self):
        """Why each other member's API is not ready, by its address."""
        port = self.parameters["api_port"]
        addresses = [member["address"] for member in self.parameters["plane"] if member["host"] != self.node]
        return {address: unready(address, port, self.authority) for address in addresses}

    def others(self):
        """Addresses of the other members whose API is ready."""
        return [address for address, trouble in self._ask_others().items() if not trouble]

    def own_trouble(self):
        """Why this member's own API is not ready."""
        return unready(self.address, self.parameters["api_port"], self.authority)

    def member(self):
        """Bring this member where it belongs; what was done."""
        running, release = self.kubeadm.release(), self.parameters["release"]
        if not running:
            action = self._enter
        elif running != release or self.pods.pending():
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
        self.pods.done()
        call(["systemctl", "daemon-reload"])
        call(["systemctl", "start", "--no-block", *UNITS])
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
        restore(self.parameters["bin"], snapshot, self.parameters["data"], self.node, self.address)
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
        # What a run began that ended in between goes on. It passed the checks, which are for members that are whole.
        pending = self.pods.pending()
        if not pending:
            self._check()
        if not pending or wait(0, self._behind):
            self.pods.render()
            if not pending:
                self.pods.keep()
            self._switch()
        self.kubeadm.upgrade("apply", "--yes", AFTER_SWITCH, seconds=self.seconds)
        self.pods.done()
        return "upgrade"

    def _check(self):
        """All that can be refused before anything stops."""
        record = self.kube.get("/api/v1/namespaces/kube-system/configmaps/kubeadm-config")["data"]
        first = f"kubernetesVersion: v{self.parameters['release']}" not in record["ClusterConfiguration"]
        if first:
            # The configuration that it follows is the cluster's own record, so that is brought up to date first.
            self.kubeadm.init("phase", "upload-config", "kubeadm", seconds=60)
        self.kubeadm.upgrade("apply" if first else "node", "phase", "preflight", seconds=self.seconds)
        if self.parameters["stacked"]:
            trouble = wait(RETURN_SECONDS, lambda: "; ".join(filter(None, self._ask_others().values())))
            if trouble:
                raise KubeadmError(f"{self.node} is not upgraded, for etcd might lose its majority: {trouble}")
            call(["systemctl", "start", "greenfield-kubernetes-snapshot.service"], self.seconds)

    def _switch(self):
        """Go over to the new release, or back to the one of before."""
        self.pods.switch()
        trouble = wait(self.seconds, self._behind)
        if not trouble:
            return
        self.pods.switch(back=True)
        self.pods.done()
        still = wait(self.seconds, self.own_trouble)
        end = f"does not come up either: {still}" if still else "answers again"
        raise KubeadmError(
            f"the new release did not come up on {self.node}: {trouble}; what ran before was put back and {end};"
            " see journalctl -u kubelet and /var/log/pods"
        )

    def _behind(self):
        """What of this member does not run by its release yet, in words."""
        trouble, release = self.own_trouble(), f"v{self.parameters['release']}"
        if trouble:
            return trouble
        own = Kube({**self.parameters["identity"], "server": f"https://{self.address}:{self.parameters['api_port']}"})
        version = own.get("/version")["gitVersion"]
        if version != release:
            return f"{self.address} runs {version}, not {release}"
        # kubeadm asks through the node's proxy next.
        self.kube.get("/version")
        silent = [name for name, port in LOOPBACK_PORTS.items() if not listens("127.0.0.1", port)]
        if silent:
            return f"{', '.join(silent)} on {self.node} takes no connections"
        # Addons are upgraded when the cluster knows all API servers as new, by what the kubelets tell of them.
        for name in SERVERS:
            pod = own.find(f"/api/v1/namespaces/kube-system/pods/{name}-{self.node}")
            if not pod or not pod["spec"]["containers"][0]["image"].endswith(f":{release}"):
                return f"the kubelet of {self.node} has not told of the {name} of {release} yet"
        return ""

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

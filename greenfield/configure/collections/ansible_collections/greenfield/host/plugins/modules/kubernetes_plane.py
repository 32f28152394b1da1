#!/usr/bin/python
"""Keeps a member of a Kubernetes control plane, with kubeadm: begin, join, follow its configuration, upgrade."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_plane
short_description: A member of a Kubernetes control plane
description:
  - C(member) begins the cluster on its first member, joins it on the others (once some member answers), upgrades a
    member whose release differs, and makes the static pods anew when their configuration changed. A member that comes
    back without its data is first removed from the stacked etcd, then joins as a new one.
  - C(formed) lays down the cluster's own objects and waits until every planned node is ready. Nodes of the engine that
    are no longer planned and do not answer are removed.
  - C(healthy) waits until every member's API is ready and every planned node is.
options:
  state:
    description: See above.
    type: str
    choices: [member, formed, healthy]
    required: true
  identity:
    description: server, authority, certificate and key of an administrator.
    type: dict
    required: true
  node: {description: Name of this node., type: str, required: true}
  bin: {description: Folder of kubeadm and its company., type: str, required: true}
  release: {description: Release that nodes are to run., type: str, required: true}
  engine: {description: Name of the engine whose nodes are meant., type: str, required: true}
  nodes:
    description: Planned members of the engine; name, host and address each.
    type: list
    elements: dict
    required: true
  plane:
    description: Members of the control plane; name, host and address each.
    type: list
    elements: dict
    required: true
  api_port: {description: Port of the API servers., type: int, default: 6443}
  stacked: {description: Whether each member carries an etcd member., type: bool, default: true}
  formed: {description: The caller knows that the cluster was formed before., type: bool, default: false}
  except_members:
    description: Members that may be ill because they are to be repaired.
    type: list
    elements: str
    default: []
  deadline_seconds: {description: How long to wait., type: int, default: 300}
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: This member of the control plane
  greenfield.host.kubernetes_plane:
    state: member
    identity: {server: https://127.0.0.1:7443, authority: ca.crt, certificate: admin.crt, key: admin.key}
    node: r1-h1
    bin: /opt/kubernetes/1.35.4
    release: 1.35.4
    engine: platform
    nodes: [{name: server-1, host: r1-h1, address: 10.0.1.11}]
    plane: [{name: server-1, host: r1-h1, address: 10.0.1.11}]
"""

RETURN = r"""
action:
  description: What was done, or would be; C(init), C(join), C(upgrade), C(reconfigure) or empty.
  type: str
  returned: always
"""

import subprocess

from ansible.module_utils.basic import AnsibleModule

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
    unready,
)

PKI = "/etc/kubernetes/pki"
UNITS = ("greenfield-kubernetes-api.service", "kubelet.service", "flanneld.service")
ENTRY_SECONDS = 150
"""How long a member that joins waits for the first one to begin, which takes about 20 s."""

APPLY_SECONDS = 60

ENGINE_LABEL = "greenfield.io/engine"
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
        first = self.parameters["plane"][0]["host"] == self.node
        if first and not self.parameters["formed"] and not self.others():
            self.kubeadm.init(seconds=self.seconds)
            return "init"
        trouble = wait(ENTRY_SECONDS, lambda: "" if self.others() else "no member of the control plane answers")
        if trouble:
            raise KubeadmError(f"{self.node} can't join: {trouble}")
        if self.parameters["stacked"]:
            forget_etcd_member(self.parameters["bin"], PKI, self.node, self.others())
        self.kubeadm.run("join", "--config", self.kubeadm.path("join"), seconds=self.seconds)
        return "join"

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
        ill = [unready(m["address"], port, self.authority) for m in self.parameters["plane"] if m["name"] not in spared]
        if any(ill):
            return "; ".join(words for words in ill if words)
        nodes = {node["metadata"]["name"]: node for node in self.kube.get("/api/v1/nodes")["items"]}
        for member in self.parameters["nodes"]:
            if member["name"] in spared:
                continue
            node = nodes.get(member["host"])
            if node is None:
                return f"{member['host']} is no node of the cluster"
            if not is_ready(node):
                return f"node {member['host']} is not ready: {condition(node, 'Ready').get('message', 'it is silent')}"
        return ""

    def _forget_nodes(self, kube):
        planned = {member["host"] for member in self.parameters["nodes"]}
        listed = kube.get(f"/api/v1/nodes?labelSelector={ENGINE_LABEL}%3D{self.parameters['engine']}")["items"]
        gone = [node["metadata"]["name"] for node in listed if not is_ready(node)]
        gone = [name for name in gone if name not in planned]
        for name in gone:
            kube.call("DELETE", f"/api/v1/nodes/{name}")
        return bool(gone)


def main():
    """Entry point."""
    members = {"type": "list", "elements": "dict", "required": True}
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["member", "formed", "healthy"], "required": True},
            "identity": {"type": "dict", "required": True},
            "node": {"type": "str", "required": True},
            "bin": {"type": "str", "required": True},
            "release": {"type": "str", "required": True},
            "engine": {"type": "str", "required": True},
            "nodes": members,
            "plane": members,
            "api_port": {"type": "int", "default": 6443},
            "stacked": {"type": "bool", "default": True},
            "formed": {"type": "bool", "default": False},
            "except_members": {"type": "list", "elements": "str", "default": []},
            "deadline_seconds": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    plane = Plane(module)
    try:
        changed, facts = _do(plane, module)
    except (KubeadmError, KubeError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed, ansible_facts={"greenfield_result": facts}, **facts)


def _do(plane, module):
    state = module.params["state"]
    if state == "member":
        action = plane.member()
        return bool(action), {"action": action, "restart": bool(action)}
    if module.check_mode:
        return False, {"action": ""}
    if state == "formed":
        return plane.formed(), {"action": "", "formed": True, "release": module.params["release"]}
    try:
        known = plane.kube.find(FORMED) is not None
    except KubeError:
        known = True
    if not known:
        return False, {"action": "", "formed": False}
    trouble = wait(module.params["deadline_seconds"], plane.whole_trouble)
    if trouble:
        raise KubeadmError(trouble)
    return False, {"action": "", "formed": True}


if __name__ == "__main__":
    main()

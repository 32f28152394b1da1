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
  - An upgrade stops the kubelet and the member's static pods, and starts the new ones with the new kubelet, all at
    once. Where they do not come up in time, what ran before is put back. One that was ended in between goes on.
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
  data: {description: Folder of the stacked etcd., type: str, default: ""}
  formed: {description: The caller knows that the cluster was formed before., type: bool, default: false}
  snapshot:
    description: A snapshot of etcd on the first member; a control plane of which no member answers begins anew from it.
    type: str
    default: ""
  changing:
    description: A change of the engine goes on; members that are no node yet are those that it brings.
    type: bool
    default: false
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
  description: What was done, or would be; C(init), C(restore), C(join), C(upgrade), C(reconfigure) or empty.
  type: str
  returned: always
"""

import contextlib
import fcntl
import os
import signal

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils.control_plane import FORMED, Plane
from ansible_collections.greenfield.host.plugins.module_utils.kube_client import KubeError, wait
from ansible_collections.greenfield.host.plugins.module_utils.kubeadm import KubeadmError

LOCK = "/run/greenfield/kubernetes-member"


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
            "data": {"type": "str", "default": ""},
            "formed": {"type": "bool", "default": False},
            "snapshot": {"type": "str", "default": ""},
            "changing": {"type": "bool", "default": False},
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
        with contextlib.nullcontext() if module.check_mode else _to_the_end():
            action = plane.member()
        return bool(action), {"action": action, "restart": bool(action), "lost": action == "enter"}
    if module.check_mode:
        return False, {"action": ""}
    if state == "formed":
        return plane.formed(), {"action": "", "formed": True, "release": module.params["release"]}
    try:
        known = plane.kube.find(FORMED) is not None
    except KubeError:
        known = True
    except OSError:
        # A host that carries nothing yet, or nothing any more, has no certificate to ask with.
        known = False
    if not known:
        return False, {"action": "", "formed": False}
    trouble = wait(module.params["deadline_seconds"], plane.whole_trouble)
    if trouble:
        raise KubeadmError(trouble)
    return False, {"action": "", "formed": True}


@contextlib.contextmanager
def _to_the_end():
    """One change of a member at a time, and none that stops halfway because the workstation is gone.

    What runs a module ends with its connection (Mitogen by SIGTERM, a terminal by SIGHUP), which could leave a member
    without its kubelet. The next run waits until this one is through.
    """
    heeded = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        os.makedirs(os.path.dirname(LOCK), exist_ok=True)
        with open(LOCK, "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    main()

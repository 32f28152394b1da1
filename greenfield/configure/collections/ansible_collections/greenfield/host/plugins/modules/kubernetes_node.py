#!/usr/bin/python
"""The place of a node in its Kubernetes cluster: handed over before a change, ready after it, taken away."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_node
short_description: Drains, awaits and removes a Kubernetes node
description:
  - C(maintained) comes before a change of the node's release. A node that runs another release is cordoned, and its
    pods are evicted as their disruption budgets allow; what stays stops the change and is named, with the budget.
    A node that is not registered yet, or runs the release already, is left alone.
  - C(ready) comes after. It waits until the node is ready and runs the release, and uncordons what C(maintained)
    cordoned.
  - C(drained) cordons and evicts in any case.
  - C(removed) takes the node out of the cluster. Its pods must be gone.
options:
  state:
    description: See above.
    type: str
    choices: [maintained, ready, drained, removed]
    required: true
  identity:
    description: server, authority, certificate and key with which the API is asked.
    type: dict
    required: true
  node: {description: Name of the node., type: str, required: true}
  release: {description: Release that the node is to run; C(1.35.4)., type: str, default: ""}
  deadline_seconds: {description: How long to wait., type: int, default: 300}
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: The node is ready
  greenfield.host.kubernetes_node:
    state: ready
    identity: {server: https://127.0.0.1:7443, authority: ca.crt, certificate: node.crt, key: node.key}
    node: r1-h1
    release: 1.35.4
"""

RETURN = r"""
moved:
  description: Whether pods had to leave.
  type: bool
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils.kube_client import (
    Kube,
    KubeError,
    condition,
    is_ready,
    wait,
)
from ansible_collections.greenfield.host.plugins.module_utils.kube_drain import cordon, drain, uncordon


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["maintained", "ready", "drained", "removed"], "required": True},
            "identity": {"type": "dict", "required": True},
            "node": {"type": "str", "required": True},
            "release": {"type": "str", "default": ""},
            "deadline_seconds": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    work = {"maintained": maintained, "ready": ready, "drained": drained, "removed": removed}[module.params["state"]]
    try:
        changed, facts = work(module, module.params["node"])
    except KubeError as error:
        module.fail_json(msg=f"{module.params['node']}: {error}")
    except OSError as error:
        # On a host that never was a node there is no certificate yet.
        if module.params["state"] in ("maintained", "drained", "removed"):
            module.exit_json(changed=False, moved=False)
        module.fail_json(msg=f"{module.params['node']}: {error}")
    module.exit_json(changed=changed, **facts)


def maintained(module, name):
    """Cordon and drain a node that is about to change its release."""
    kube = Kube(module.params["identity"])
    try:
        node = kube.node(name)
    except KubeError as error:
        # A node that can't ask runs nothing that could be moved by asking; the change may be what mends it.
        if error.status == 0:
            return False, {"moved": False}
        raise
    if node is None or node["status"]["nodeInfo"]["kubeletVersion"] == f"v{module.params['release']}":
        return False, {"moved": False}
    if not module.check_mode:
        _clear(module, kube, name)
    return True, {"moved": True}


def ready(module, name):
    """Wait for the node, then let pods onto it again."""
    if module.check_mode:
        return False, {"moved": False}
    kube = Kube(module.params["identity"])
    trouble = wait(module.params["deadline_seconds"], lambda: _unready(kube, name, module.params["release"]))
    if trouble:
        module.fail_json(msg=f"{name} is not ready: {trouble}")
    return uncordon(kube, name), {"moved": False}


def _unready(kube, name, release):
    node = kube.node(name)
    if node is None:
        return "it has not registered; see journalctl -u kubelet on it"
    if not is_ready(node):
        return condition(node, "Ready").get("message") or "its kubelet says nothing"
    version = node["status"]["nodeInfo"]["kubeletVersion"]
    return "" if not release or version == f"v{release}" else f"it runs {version}, not v{release}"


def drained(module, name):
    """Take the pods of a node away."""
    kube = Kube(module.params["identity"])
    if kube.node(name) is None:
        return False, {"moved": False}
    if not module.check_mode:
        _clear(module, kube, name)
    return True, {"moved": True}


def _clear(module, kube, name):
    cordon(kube, name)
    stays = drain(kube, name, module.params["deadline_seconds"])
    if stays:
        uncordon(kube, name)
        module.fail_json(msg=f"{name} did not hand over within {module.params['deadline_seconds']} s: {stays}")


def removed(module, name):
    """Take the node out of the cluster."""
    kube = Kube(module.params["identity"])
    if kube.node(name) is None:
        return False, {"moved": False}
    if not module.check_mode:
        kube.call("DELETE", f"/api/v1/nodes/{name}")
    return True, {"moved": False}


if __name__ == "__main__":
    main()

#!/usr/bin/python
"""Keeps an etcd member in its cluster: begin, join, replace, judge, hand over, leave."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_membership
short_description: The place of an etcd member in its cluster
description:
  - C(joined) prepares the first start. A member with data is left alone. One without data asks the others. If they
    form a cluster, the member's old entry is removed (once the others have a quorum without it) and it is added
    again; if nobody answers and it never ran before, it may begin a new cluster with the others; else it is refused.
  - C(formed) waits until every member is healthy and writes the key C(/greenfield/formed); further ones may be there,
    which are to leave.
  - C(healthy) waits until every member is healthy, in one cluster, with one leader and without alarms.
  - C(drained) hands leadership to another member, after making sure that the others have a quorum.
  - C(removed) takes the member out of the cluster, after the same check, and sets its data aside.
options:
  state:
    description: See above.
    type: str
    choices: [joined, formed, healthy, drained, removed]
    required: true
  identity:
    description: cluster, token, member, members (name and address each), client_port, peer_port.
    type: dict
    required: true
  bin:
    description: Folder of etcdctl.
    type: str
    required: true
  mount:
    description: With C(joined), the mount point that must be there, so that a lost disk is not taken for an empty one.
    type: str
    default: ""
  formed:
    description: With C(joined), the caller knows that the cluster was formed before.
    type: bool
    default: false
  changed_paths:
    description: With C(joined), files that this run changed, to tell the caller whether a restart follows.
    type: list
    elements: str
    default: []
  except_members:
    description: With C(healthy), members that may be ill because they are to be repaired; a quorum must be well.
    type: list
    elements: str
    default: []
  changing:
    description: With C(healthy), judge the cluster by the members it has, not by those it shall have.
    type: bool
    default: false
  retire:
    description: The whole engine goes; nobody asks whether the others have a quorum, and nobody leaves the cluster.
    type: bool
    default: false
  deadline_seconds:
    description: How long to wait.
    type: int
    default: 60
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: Health of the etcd cluster
  greenfield.host.etcd_membership:
    state: healthy
    identity: "{{ etcd_identity }}"
    bin: "{{ etcd_bin }}"
"""

RETURN = r"""
ansible_facts:
  description: C(greenfield_result) with what was seen or decided.
  type: dict
  returned: always
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils import data_directory
from ansible_collections.greenfield.host.plugins.module_utils.etcd_client import FORMED, Etcd, EtcdError
from ansible_collections.greenfield.host.plugins.module_utils.etcd_decision import to_judge
from ansible_collections.greenfield.host.plugins.module_utils.etcd_joining import Joining

POLL_SECONDS = 0.3


class Membership:
    """One state each method; each returns whether something changed and what to hand back."""

    def __init__(self, module):
        self.module = module
        self.parameters = module.params
        self.etcd = Etcd(module.params["identity"], module.params["bin"])
        self.planned = dict(self.etcd.members)
        self.deadline = time.monotonic() + module.params["deadline_seconds"]

    def joined(self):
        """Prepare the first start, or leave a member with data alone."""
        if trouble := data_directory.not_mounted(self.parameters["mount"], self.etcd.data):
            if not self.module.check_mode:
                self.module.fail_json(msg=trouble)
            return True, {"restart": False, "decision": "new"}
        joining = Joining(self.etcd, self.deadline, check=self.module.check_mode)
        try:
            return joining.run(formed=self.parameters["formed"], changed_paths=self.parameters["changed_paths"])
        except EtcdError as error:
            self.module.fail_json(msg=str(error))
            raise

    def formed(self):
        """Wait for the whole, then write the key."""
        facts = self._wait(set(self.parameters["except_members"]))
        names = list(self.etcd.members)
        try:
            if self.etcd.read(FORMED, names):
                return False, facts
            if not self.module.check_mode:
                self.etcd.call("put", FORMED, self.etcd.token, names=names)
        except EtcdError as error:
            self.module.fail_json(msg=str(error))
        return True, facts

    def healthy(self):
        """Wait for the whole, or for all but some; a member that never ran speaks for no cluster."""
        if not os.path.exists(os.path.join(self.etcd.config, "started")):
            return False, {"formed": False}
        return False, {"formed": True, **self._wait(set(self.parameters["except_members"]))}

    def _as_it_is(self):
        """Have the cluster judged by the members it has, where the caller is about to change them."""
        try:
            _, entries = self.etcd.member_list(self.etcd.listening(list(self.planned)))
            self.etcd.members = to_judge(self.planned, entries)
        except EtcdError:
            # Without a quorum every planned member is told about.
            self.etcd.members = self.planned

    def _wait(self, excused):
        while True:
            faults, facts = self._judge(excused)
            if not faults:
                return facts
            if time.monotonic() > self.deadline:
                self.module.fail_json(
                    msg=f"etcd {self.etcd.cluster} is not healthy after {self.parameters['deadline_seconds']} s: "
                    + "; ".join(faults),
                    ansible_facts={"greenfield_result": {"faults": faults}},
                )
            time.sleep(POLL_SECONDS)

    def _judge(self, excused):
        """Everything wrong with the cluster now, and what was seen."""
        if self.parameters["changing"]:
            self._as_it_is()
        names = list(self.etcd.members)
        try:
            health = self.etcd.healthy(names)
            well = [name for name, trouble in health.items() if not trouble]
            faults = [f"{name} {trouble}" for name, trouble in health.items() if trouble and name not in excused]
            quorum = len(names) // 2 + 1
            if len(well) < quorum:
                return [*faults, f"{len(well)} of {len(names)} members are healthy, {quorum} are needed"], {}
            statuses = self.etcd.statuses(well)
            identifier, entries = self.etcd.member_list(well)
            alarms = self.etcd.call("alarm", "list", names=well).get("alarms") or []
        except EtcdError as error:
            return [str(error)], {}
        faults += _disagreement(statuses)
        listed = {entry.get("name"): entry for entry in entries}
        faults += [f"{name} is not in the cluster" for name in names if name not in listed and name not in excused]
        # Members that are to leave do so after the rest of a delivery, formation included.
        strangers = [name for name in listed if name not in names] if self.parameters["state"] == "healthy" else []
        faults += [f"the cluster has the unknown member {name or 'without a name'}" for name in strangers]
        by_id = {entry["ID"]: entry.get("name") for entry in entries}
        faults += [
            f"{by_id.get(alarm['memberID'], alarm['memberID'])} has the alarm {alarm['alarm']}" for alarm in alarms
        ]
        leader = next((by_id.get(status["leader"]) for status in statuses.values() if status.get("leader")), "")
        return faults, {"cluster_id": f"{identifier:x}", "leader": leader, "members": sorted(filter(None, listed))}

    def drained(self):
        """Hand over leadership."""
        if self.parameters["retire"]:
            return False, {}
        own = self.etcd.member
        if not self.etcd.listening([own]):
            return False, {"leader": ""}
        well = self._others_have_quorum(len(self.etcd.members), "restarted")
        try:
            statuses = self.etcd.statuses([own, *well])
            status = statuses.get(own)
            if status is None or status["leader"] != status["header"]["member_id"]:
                return False, {}
            heir = max((name for name in well if name in statuses), key=lambda name: statuses[name]["raftIndex"])
            if not self.module.check_mode:
                self.etcd.call("move-leader", f"{statuses[heir]['header']['member_id']:x}", names=[own], seconds=10)
        except EtcdError as error:
            self.module.fail_json(msg=f"{own} could not hand over leadership: {error}")
        return True, {"leader": heir}

    def _others_have_quorum(self, size, verb):
        """Names of the healthy others; fails when they are too few for a cluster of ``size``."""
        while True:
            try:
                health = self.etcd.healthy(self.etcd.others())
            except EtcdError as error:
                health = dict.fromkeys(self.etcd.others(), str(error))
            well = [name for name, trouble in health.items() if not trouble]
            if len(well) >= size // 2 + 1:
                return well
            if time.monotonic() > self.deadline:
                ill = "; ".join(f"{name} {trouble}" for name, trouble in health.items() if trouble)
                self.module.fail_json(
                    msg=f"{self.etcd.member} can't be {verb}: {len(well)} of the others are healthy and "
                    f"{size // 2 + 1} are needed ({ill or 'there are too few'}). Fix: bring them up first"
                )
            time.sleep(POLL_SECONDS)

    def removed(self):
        """Leave the cluster for good."""
        others = self.etcd.others()
        if self.parameters["retire"] or not self.etcd.has_data() or not others:
            return False, {"left": False}
        listening = self.etcd.listening(others)
        try:
            _, entries = self.etcd.member_list(listening or others)
        except EtcdError as error:
            self.module.fail_json(
                msg=f"{self.etcd.member} can't leave, no quorum answers ({error}). Fix: bring the others up, or set "
                "etcd_retire when the whole engine goes"
            )
        url = self.etcd.peer_url(self.etcd.member)
        own = [entry for entry in entries if url in entry["peerURLs"]]
        if self.module.check_mode:
            return bool(own), {"left": bool(own)}
        if own:
            well = self._others_have_quorum(len(entries) - 1, "removed")
            try:
                for entry in own:
                    words = ("member", "remove", f"{entry['ID']:x}")
                    self.etcd.insist(*words, names=well, deadline=self.deadline)
            except EtcdError as error:
                self.module.fail_json(msg=f"{self.etcd.member} can't leave: {error}")
        self._stop()
        data_directory.set_aside(self.etcd.data, ["member"], "removed")
        for name in ("started", "permit", "initial.env"):
            if os.path.exists(path := os.path.join(self.etcd.config, name)):
                os.unlink(path)
        return True, {"left": bool(own)}

    def _stop(self):
        """A removed member ends by itself and would be restarted."""
        self.module.run_command(["systemctl", "stop", f"greenfield-etcd-{self.etcd.cluster}.service"], check_rc=True)


def _disagreement(statuses):
    """Members of different clusters, or without one leader."""
    clusters = {name: status["header"]["cluster_id"] for name, status in statuses.items()}
    faults = []
    if len(set(clusters.values())) > 1:
        faults.append("members are in different clusters: " + ", ".join(f"{n} {i:x}" for n, i in clusters.items()))
    leaders = {status.get("leader", 0) for status in statuses.values()}
    if len(leaders) != 1 or 0 in leaders:
        faults.append("the members do not agree on a leader")
    return faults


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {
                "type": "str",
                "choices": ["joined", "formed", "healthy", "drained", "removed"],
                "required": True,
            },
            "identity": {"type": "dict", "required": True},
            "bin": {"type": "str", "required": True},
            "mount": {"type": "str", "default": ""},
            "formed": {"type": "bool", "default": False},
            "changed_paths": {"type": "list", "elements": "str", "default": []},
            "except_members": {"type": "list", "elements": "str", "default": []},
            "changing": {"type": "bool", "default": False},
            "retire": {"type": "bool", "default": False},
            "deadline_seconds": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    membership = Membership(module)
    changed, facts = getattr(membership, module.params["state"])()
    module.exit_json(changed=changed, ansible_facts={"greenfield_result": facts})


if __name__ == "__main__":
    main()

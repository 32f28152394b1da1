#!/usr/bin/python
"""Keeps a Redis member in its cluster: admit, form or mend, judge, hand over, leave."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_cluster
short_description: The place of a Redis member in its cluster
description:
  - C(admitted) prepares the first start. A member with data is left alone. One without data waits until no other
    member takes it for the owner of slots, because a primary that returns empty would empty its replica.
  - C(formed) brings the members together, gives slots to primaries, makes the others replicas and waits until all is
    in sync. It goes on where it was ended, and mends a member that came back under a new id.
  - C(healthy) waits until every slot is served, every replica in sync and no node failed.
  - C(drained) makes a replica primary in the member's place, without losing a write.
  - C(removed) makes the others forget the member and sets its data aside; it must own no slots.
options:
  state:
    description: See above.
    type: str
    choices: [admitted, formed, healthy, drained, removed]
    required: true
  identity:
    description: cluster, member, members (name, address, group, role each), port.
    type: dict
    required: true
  mount:
    description: With C(admitted), the mount point that must be there; a lost disk is not an empty one.
    type: str
    default: ""
  only_existing:
    description: With C(formed), do nothing where no cluster exists yet, and wait for this member only.
    type: bool
    default: false
  except_members:
    description: With C(healthy), members that may be ill because they are to be repaired.
    type: list
    elements: str
    default: []
  retire:
    description: The whole engine goes; slots need not be handed over and nobody is told.
    type: bool
    default: false
  deadline_seconds:
    description: How long to wait.
    type: int
    default: 60
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: Health of the Redis cluster
  greenfield.host.redis_cluster:
    state: healthy
    identity: "{{ redis_identity }}"
"""

RETURN = r"""
ansible_facts:
  description: C(greenfield_result) with what was seen.
  type: dict
  returned: always
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils import data_directory
from ansible_collections.greenfield.host.plugins.module_utils import files as host_files
from ansible_collections.greenfield.host.plugins.module_utils.redis_plan import next_actions
from ansible_collections.greenfield.host.plugins.module_utils.redis_view import (
    faults,
    group_primary,
    look,
    look_at,
)
from ansible_collections.greenfield.host.plugins.module_utils.redis_wire import Redis, RedisError

POLL_SECONDS = 0.2
DATA = ("nodes.conf", "appendonlydir", "dump.rdb")


class RedisCluster:
    """One state each method; each returns whether something changed and what to hand back."""

    def __init__(self, module):
        self.module = module
        self.parameters = module.params
        identity = module.params["identity"]
        self.cluster, self.name = identity["cluster"], identity["member"]
        self.members, self.port = identity["members"], int(identity["port"])
        self.own = next(member for member in self.members if member["name"] == self.name)
        self.config, self.data = f"/etc/redis/{self.cluster}", f"/data/{self.cluster}"
        self.access = {"authority": f"{self.config}/pki/ca.crt", "passwords": {"admin": self._password()}}
        self.deadline = time.monotonic() + module.params["deadline_seconds"]

    def _password(self):
        """The password of the user admin, from the host's own file."""
        content = host_files.read(f"{self.config}/admin.password")
        if content is None and not self.module.check_mode:
            self.module.fail_json(msg=f"{self.config}/admin.password is missing. Fix: converge {self.name} first")
        return (content or b"").decode().strip()

    def _look(self):
        return look(self.members, self.port, self.access)

    def _late(self):
        if time.monotonic() > self.deadline:
            return True
        time.sleep(POLL_SECONDS)
        return False

    def _fail(self, what, found):
        self.module.fail_json(
            msg=f"redis {self.cluster} {what} after {self.parameters['deadline_seconds']} s: {'; '.join(found)}"
        )

    def admitted(self):
        """Prepare the first start."""
        if trouble := data_directory.not_mounted(self.parameters["mount"], self.data):
            if not self.module.check_mode:
                self.module.fail_json(msg=trouble)
            return True, {"decision": "start empty"}
        made = []
        if not self.module.check_mode:
            made = data_directory.ensure([self.data, f"{self.data}-backups"], "redis")
        log = os.path.join(self.data, "appendonlydir")
        if os.path.exists(f"{self.data}/nodes.conf") and os.path.isdir(log) and os.listdir(log):
            return bool(made), {"decision": "keep"}
        if self.module.check_mode:
            return True, {"decision": "start empty"}
        self._wait_for_heir(os.path.exists(f"{self.config}/started"))
        data_directory.set_aside(self.data, DATA, "lost")
        path, content = f"{self.config}/permit", b"start empty\n"
        if host_files.read(path) == content:
            return bool(made), {"decision": "start empty"}
        host_files.replace(path, content)
        return True, {"decision": "start empty"}

    def _wait_for_heir(self, started):
        """Until nobody takes this member's former self for the owner of slots."""
        others = [member for member in self.members if member["name"] != self.name]
        while True:
            seen = [one for one in look(others, self.port, self.access) if not one.trouble]
            owned = [
                f"{one.name} still takes it for the owner of {node.slots} slots"
                for one in seen
                for node in one.nodes.values()
                if node.address == self.own["address"] and node.slots
            ]
            if not owned and (seen or not started):
                return
            if self._late():
                self.module.fail_json(
                    msg=f"{self.name} lost its data and may not start empty: "
                    f"{'; '.join(owned) or 'no other member answers'}. Fix: bring the other members up and run the "
                    "delivery again, or restore the shard from a backup (docs/engines/redis.md)"
                )

    def formed(self):
        """Act and look again until nothing is left to do and nothing is wrong."""
        changed, only_existing = False, self.parameters["only_existing"]
        excused = frozenset(self.parameters["except_members"])
        while True:
            seen = self._look()
            if not any(node.slots for one in seen for node in one.nodes.values()):
                # The first formation does not wait for those in quarantine. Later ones keep them in sight, so that a
                # member that is only away is never forgotten.
                seen = [one for one in seen if not (one.trouble and one.name in excused)]
            if only_existing and not any(node.slots for one in seen for node in one.nodes.values()):
                return False, {}
            actions, refused = next_actions(seen, self.port)
            found = refused + (self._own_faults(seen) if only_existing else faults(seen, excused))
            if not actions and not found:
                return changed, self._facts(seen)
            if actions and self.module.check_mode:
                return True, {}
            errors = [error for action in actions if (error := self._act(action))]
            changed = changed or len(errors) < len(actions)
            if self._late():
                self._fail("is not formed", found + errors)

    def _own_faults(self, seen):
        """A member that is back must be in sync; what else is wrong is not this run's to wait for."""
        rest = frozenset(member["name"] for member in self.members) - {self.name}
        return [fault for fault in faults(seen, rest) if fault.startswith(self.name)]

    def _act(self, action):
        """Carry out an action; an error is kept, for what is seen next decides."""
        address = next(member["address"] for member in self.members if member["name"] == action.name)
        try:
            with Redis(address, self.port, self.access) as redis:
                redis.call(*action.words)
        except RedisError as error:
            return f"{action.name}: {' '.join(action.words[:2])}: {error}"
        return ""

    def _facts(self, seen):
        groups = dict.fromkeys(one.group for one in seen)
        primaries = {group: primary.name for group in groups if (primary := group_primary(seen, group))}
        return {"primaries": primaries, "members": [one.name for one in seen if not one.trouble]}

    def healthy(self):
        """Look until nothing is wrong; members that know no other yet have no cluster to be healthy."""
        excused = frozenset(self.parameters["except_members"])
        if not os.path.exists(f"{self.config}/started"):
            return False, {"formed": False}
        while True:
            seen = self._look()
            if all(one.trouble or (len(one.nodes) == 1 and not one.own.ranges) for one in seen):
                return False, {"formed": False}
            found = faults(seen, excused)
            if not found:
                return False, {"formed": True, **self._facts(seen)}
            if self._late():
                self._fail("is not healthy", found)

    def drained(self):
        """Have a replica take over, unless there is nothing to take over."""
        if self.parameters["retire"]:
            return False, {}
        own = look_at(self.own, self.port, self.access)
        if own.trouble or not own.own.ranges:
            return False, {}
        if self.module.check_mode:
            return True, {}
        asked, last = "", ""
        while True:
            seen = self._look()
            own = next(one for one in seen if one.name == self.name)
            if not own.trouble and not own.own.ranges and own.info.get("master_link_status") == "up":
                return True, {"heir": asked}
            heirs = [
                one
                for one in seen
                if not one.trouble and one.own.master == own.id and one.info.get("master_link_status") == "up"
            ]
            if not asked and heirs:
                heir = max(heirs, key=lambda one: int(one.info.get("slave_repl_offset", 0)))
                last = self._failover(heir)
                asked = "" if last else heir.name
            if self._late():
                state = f"{asked} was asked to take over and has not" if asked else last or "no replica is in sync"
                self._fail(f"can't spare {self.name}", [f"{state}; losing it would lose slots"])

    def _failover(self, heir):
        try:
            with Redis(heir.address, self.port, self.access) as redis:
                redis.call("CLUSTER", "FAILOVER")
        except RedisError as error:
            return f"{heir.name}: {error}"
        return ""

    def removed(self):
        """Leave for good."""
        if self.parameters["retire"] or not os.path.exists(f"{self.data}/nodes.conf"):
            return False, {"left": False}
        own = look_at(self.own, self.port, self.access)
        if not own.trouble and own.own.ranges:
            self.module.fail_json(
                msg=f"{self.name} owns {own.own.slots} slots and can't leave. Fix: drain it first, or set redis_retire "
                "when the whole engine goes"
            )
        if self.module.check_mode:
            return True, {"left": True}
        self.module.run_command(["systemctl", "stop", f"greenfield-redis-{self.cluster}.service"], check_rc=True)
        errors = []
        for one in self._look():
            if not own.trouble and not one.trouble and own.id in one.nodes:
                errors.append(self._forget(one, own.id))
        data_directory.set_aside(self.data, DATA, "removed")
        for name in ("started", "permit"):
            if os.path.exists(f"{self.config}/{name}"):
                os.unlink(f"{self.config}/{name}")
        if any(errors):
            self.module.warn("; ".join(filter(None, errors)))
        return True, {"left": True}

    def _forget(self, one, identifier):
        try:
            with Redis(one.address, self.port, self.access) as redis:
                redis.call("CLUSTER", "FORGET", identifier)
        except RedisError as error:
            return f"{one.name} does not forget {self.name}: {error}"
        return ""


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {
                "type": "str",
                "choices": ["admitted", "formed", "healthy", "drained", "removed"],
                "required": True,
            },
            "identity": {"type": "dict", "required": True},
            "mount": {"type": "str", "default": ""},
            "only_existing": {"type": "bool", "default": False},
            "except_members": {"type": "list", "elements": "str", "default": []},
            "retire": {"type": "bool", "default": False},
            "deadline_seconds": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    cluster = RedisCluster(module)
    changed, facts = getattr(cluster, module.params["state"])()
    module.exit_json(changed=changed, ansible_facts={"greenfield_result": facts})


if __name__ == "__main__":
    main()

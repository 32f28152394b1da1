#!/usr/bin/python
"""Groups and users with one execution."""

from __future__ import annotations

DOCUMENTATION = r"""
module: accounts
short_description: Makes groups and users
description:
  - Makes what is missing and mends what differs. Attributes that are not given are left as they are. Never removes an
    account, and never takes a user out of a further group.
options:
  groups:
    description: Groups, made before the users.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name., type: str, required: true}
      gid: {description: Number; the system's next when not given., type: int}
      system: {description: Take the number from the system range., type: bool, default: true}
  users:
    description: Users.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name., type: str, required: true}
      uid: {description: Number; the system's next when not given., type: int}
      group: {description: Primary group; must exist or be among C(groups)., type: str}
      groups: {description: Further groups., type: list, elements: str, default: []}
      home: {description: Home directory; not made for system users., type: str}
      shell: {description: Login shell., type: str}
      system: {description: A system user without a usable password., type: bool, default: false}
      authorized_keys: {description: The whole of the user's authorized_keys., type: list, elements: str}
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: Make the service's account
  greenfield.host.accounts:
    groups: [{name: etcd}]
    users: [{name: etcd, group: etcd, home: /data/config-store, shell: /usr/sbin/nologin, system: true}]
"""

RETURN = r"""
changed_accounts:
  description: Groups and users that were (or in check mode would be) made or mended.
  type: list
  returned: always
"""

import grp
import os
import pwd

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils import files as host_files

GROUP = {
    "name": {"type": "str", "required": True},
    "gid": {"type": "int"},
    "system": {"type": "bool", "default": True},
}
USER = {
    "name": {"type": "str", "required": True},
    "uid": {"type": "int"},
    "group": {"type": "str"},
    "groups": {"type": "list", "elements": "str", "default": []},
    "home": {"type": "str"},
    "shell": {"type": "str"},
    "system": {"type": "bool", "default": False},
    "authorized_keys": {"type": "list", "elements": "str", "no_log": False},
}


class Accounts:
    """Compares with the system's databases and calls the shadow tools where something differs."""

    def __init__(self, module):
        self.module = module
        self.changed = []

    def run(self):
        """Bring groups, then users, to the arguments."""
        for group in self.module.params["groups"]:
            self._group(group)
        for user in self.module.params["users"]:
            self._user(user)
        return {"changed": bool(self.changed), "changed_accounts": self.changed}

    def _call(self, name, command):
        if name not in self.changed:
            self.changed.append(name)
        if self.module.check_mode:
            return
        code, out, err = self.module.run_command(command)
        if code:
            self.module.fail_json(msg=f"{name}: {command[0]} failed: {(err or out).strip()}")

    def _group(self, group):
        gid = group["gid"]
        number = ["--gid", str(gid)] if gid is not None else []
        try:
            present = grp.getgrnam(group["name"])
        except KeyError:
            self._call(group["name"], ["groupadd", *number, *(["--system"] if group["system"] else []), group["name"]])
            return
        if gid is not None and present.gr_gid != gid:
            self._call(group["name"], ["groupmod", *number, group["name"]])

    def _user(self, user):
        try:
            present = pwd.getpwnam(user["name"])
        except KeyError:
            self._make(user)
        else:
            self._mend(user, present)
        if user["authorized_keys"] is not None:
            self._keys(user)

    def _make(self, user):
        command = ["useradd", "--system" if user["system"] else "--create-home"]
        command += ["--no-create-home"] if user["system"] else []
        command += ["--groups", ",".join(user["groups"])] if user["groups"] else []
        for key, option in (("uid", "--uid"), ("group", "--gid"), ("home", "--home-dir"), ("shell", "--shell")):
            if user[key] is not None:
                command += [option, str(user[key])]
        self._call(user["name"], [*command, user["name"]])

    def _mend(self, user, present):
        options = []
        if user["uid"] is not None and present.pw_uid != user["uid"]:
            options += ["--uid", str(user["uid"])]
        if user["group"] is not None and present.pw_gid != host_files.group_id(user["group"]):
            options += ["--gid", user["group"]]
        if user["home"] is not None and present.pw_dir != user["home"]:
            options += ["--home", user["home"]]
        if user["shell"] is not None and present.pw_shell != user["shell"]:
            options += ["--shell", user["shell"]]
        lacking = [name for name in user["groups"] if not self._belongs(user["name"], present, name)]
        if lacking:
            options += ["--append", "--groups", ",".join(lacking)]
        if options:
            self._call(user["name"], ["usermod", *options, user["name"]])

    @staticmethod
    def _belongs(name, present, group):
        try:
            entry = grp.getgrnam(group)
        except KeyError:
            return False
        return name in entry.gr_mem or present.pw_gid == entry.gr_gid

    def _keys(self, user):
        content = "".join(f"{key}\n" for key in user["authorized_keys"]).encode()
        try:
            account = pwd.getpwnam(user["name"])
        except KeyError:  # Check mode: the user was only noted.
            return
        folder = os.path.join(account.pw_dir, ".ssh")
        path = os.path.join(folder, "authorized_keys")
        if host_files.read(path) == content:
            return
        if user["name"] not in self.changed:
            self.changed.append(user["name"])
        if self.module.check_mode:
            return
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.chown(folder, account.pw_uid, account.pw_gid)
        host_files.replace(path, content, (0o600, account.pw_uid, account.pw_gid))


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "groups": {"type": "list", "elements": "dict", "options": GROUP, "default": []},
            "users": {"type": "list", "elements": "dict", "options": USER, "default": []},
        },
        supports_check_mode=True,
    )
    module.exit_json(**Accounts(module).run())


if __name__ == "__main__":
    main()

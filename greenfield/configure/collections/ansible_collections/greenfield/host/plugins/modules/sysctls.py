#!/usr/bin/python
"""Kernel settings and transparent huge pages, now and after a restart."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sysctls
short_description: Applies and persists kernel settings
description:
  - Writes the settings into a file of sysctl.d and applies those whose value differs now. Transparent huge pages are
    set now and persisted by a file of tmpfiles.d, which systemd applies at each start.
options:
  settings:
    description: Key to value. A key that starts with C(-) may be unknown to the kernel or read-only (a container).
    type: dict
    default: {}
  file:
    description: The file of sysctl.d that holds exactly these settings.
    type: path
    required: true
  transparent_hugepage:
    description: C(always), C(madvise), C(never), or empty to leave it alone.
    type: str
    choices: ["", always, madvise, never]
    default: ""
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: Set what the engines of this host need
  greenfield.host.sysctls:
    file: /etc/sysctl.d/60-greenfield.conf
    settings: {vm.overcommit_memory: "1", -kernel.kptr_restrict: "2"}
    transparent_hugepage: never
"""

RETURN = r"""
applied:
  description: Keys whose value was (or in check mode would be) changed.
  type: list
  returned: always
not_applied:
  description: Keys marked with C(-) that the kernel does not know or does not let be written.
  type: list
  returned: always
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils import files as host_files

HUGEPAGE = "/sys/kernel/mm/transparent_hugepage/enabled"
HUGEPAGE_FILE = "/etc/tmpfiles.d/greenfield-hugepage.conf"


class Sysctls:
    """Compares /proc/sys with the arguments and writes what differs."""

    def __init__(self, module):
        self.module = module
        self.applied = []
        self.not_applied = []
        self.persisted = []

    def run(self):
        """Bring the kernel's values and the files that restore them to the arguments."""
        parameters = self.module.params
        lines = ["# Written by greenfield.host.sysctls; changes here are lost."]
        for key, value in sorted(parameters["settings"].items()):
            lines.append(f"{key} = {value}")
            self._apply(key, str(value))
        self._persist(parameters["file"], lines)
        self._hugepage(parameters["transparent_hugepage"])
        return {
            "changed": bool(self.applied or self.persisted),
            "applied": self.applied,
            "not_applied": self.not_applied,
            "changed_paths": self.persisted,
        }

    def _apply(self, key, value):
        optional = key.startswith("-")
        key = key.removeprefix("-")
        path = "/proc/sys/" + key.translate(str.maketrans("./", "/."))
        try:
            with open(path, encoding="ascii") as file:
                present = file.read().split()
        except OSError as error:
            if not optional:
                self.module.fail_json(msg=f"{key}: this kernel has no such setting ({error.strerror})")
            self.not_applied.append(key)
            return
        if present == value.split():
            return
        if optional and not os.access(path, os.W_OK):
            self.not_applied.append(key)
            return
        self.applied.append(key)
        if self.module.check_mode:
            return
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(value + "\n")
        except OSError as error:
            if not optional:
                self.module.fail_json(msg=f"{key} is {' '.join(present)}, can't be set to {value}: {error.strerror}")
            self.applied.remove(key)
            self.not_applied.append(key)

    def _persist(self, path, lines):
        content = "".join(f"{line}\n" for line in lines).encode()
        if host_files.read(path) == content:
            return
        self.persisted.append(path)
        if not self.module.check_mode:
            host_files.replace(path, content)

    def _hugepage(self, wanted):
        if not wanted:
            if os.path.lexists(HUGEPAGE_FILE):
                self.persisted.append(HUGEPAGE_FILE)
                if not self.module.check_mode:
                    os.unlink(HUGEPAGE_FILE)
            return
        self._persist(HUGEPAGE_FILE, [f"w {HUGEPAGE} - - - - {wanted}"])
        try:
            with open(HUGEPAGE, encoding="ascii") as file:
                shown = file.read()
            # The kernel marks the choice ("always [madvise] never"); a plain file holds what was written last.
            present = shown[shown.index("[") + 1 : shown.index("]")] if "[" in shown else shown.strip()
            if present == wanted:
                return
            self.applied.append("transparent_hugepage")
            if not self.module.check_mode:
                with open(HUGEPAGE, "w", encoding="ascii") as file:
                    file.write(wanted)
        except OSError as error:
            self.module.fail_json(msg=f"transparent huge pages can't be set to {wanted}: {HUGEPAGE}: {error.strerror}")


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict", "default": {}},
            "file": {"type": "path", "required": True},
            "transparent_hugepage": {
                "type": "str",
                "default": "",
                "choices": ["", "always", "madvise", "never"],
            },
        },
        supports_check_mode=True,
    )
    module.exit_json(**Sysctls(module).run())


if __name__ == "__main__":
    main()

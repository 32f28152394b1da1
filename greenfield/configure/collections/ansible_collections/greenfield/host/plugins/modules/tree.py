#!/usr/bin/python
"""Lays down a whole tree of files with one execution."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tree
short_description: Lays down a rendered tree of files at once
description:
  - Renders a folder of the role on the controller and brings the host's files to it. All files are staged and
    validated before the first is replaced; each is replaced atomically; a symbolic link in a file's place is replaced.
  - Contents may be secret. Arguments go neither to the host's journal nor into results, and the diff leaves out files
    that others may not read. So the task needs no C(no_log), which would hide whether it changed anything.
options:
  source:
    description: Folder below the role's C(templates), mirrored to C(/). C(*.j2) is rendered and loses its suffix.
    type: str
  names:
    description: Values of placeholders in paths; C(@cluster@) is replaced by C(names.cluster).
    type: dict
    default: {}
  attributes:
    description: For files of the source; keys C(path) (a glob on the target), C(mode), C(owner), C(group), C(validate).
      The first match wins.
    type: list
    elements: dict
    default: []
  files:
    description: Further files by content.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: Absolute path., type: str, required: true}
      content: {description: Text., type: str, required: true}
      mode: {description: Octal., type: str, default: "0644"}
      owner: {description: Name or uid., type: str, default: root}
      group: {description: Name or gid., type: str, default: root}
      validate:
        description: A command that must succeed before any file is replaced; C(%s) is the staged file.
        type: str
  directories:
    description: Directories; missing parents are made with mode 0755.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: Absolute path., type: str, required: true}
      mode: {description: Octal., type: str, default: "0755"}
      owner: {description: Name or uid., type: str, default: root}
      group: {description: Name or gid., type: str, default: root}
      purge: {description: Remove what this task does not name., type: bool, default: false}
      sign:
        description: Whether a host without it carries nothing of the layer. Check mode then says that all is lost.
        type: bool
        default: false
  existing:
    description: Mode and owners of files that others made; left out where there is no such file.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: Absolute path., type: str, required: true}
      mode: {description: Octal., type: str, required: true}
      owner: {description: Name or uid., type: str, default: root}
      group: {description: Name or gid., type: str, default: root}
  absent:
    description: Files, links and folders that must not be there.
    type: list
    elements: str
    default: []
  derived:
    description:
      - Files that a command makes from another. It runs when the result is missing or older than its source, so a run
        that was killed before is made good, which a handler can't do.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: The file that is made., type: path, required: true}
      source: {description: The file it is made from., type: path, required: true}
      command: {description: What makes it., type: str, required: true}
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: Write the configuration
  greenfield.host.tree:
    source: tree
    names: {cluster: "{{ etcd_cluster }}"}
    attributes:
      - {path: /etc/sudoers.d/*, mode: "0440", validate: visudo -cf %s}
"""

RETURN = r"""
changed_paths:
  description: Paths that were (or in check mode would be) made, replaced, given other attributes or removed.
  type: list
  returned: always
ansible_facts:
  description: C(greenfield_result) with C(lost), where a directory that is a C(sign) is missing.
  type: dict
  returned: in check mode on a host that carries nothing
"""

import os
import shlex
import shutil
import stat

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils import files as host_files

ATTRIBUTES = {
    "path": {"type": "str", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
}
FILE = {
    **ATTRIBUTES,
    "content": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0644"},
    "validate": {"type": "str"},
}
DIRECTORY = {
    **ATTRIBUTES,
    "mode": {"type": "str", "default": "0755"},
    "purge": {"type": "bool", "default": False},
    "sign": {"type": "bool", "default": False},
}
EXISTING = {**ATTRIBUTES, "mode": {"type": "str", "required": True}}
DERIVED = {
    "path": {"type": "path", "required": True},
    "source": {"type": "path", "required": True},
    "command": {"type": "str", "required": True},
}


class QuietModule(AnsibleModule):
    """Arguments hold contents, which may be secret: they go neither to the host's journal nor back."""

    def _log_invocation(self):
        pass

    def _return_formatted(self, kwargs):
        kwargs.setdefault("invocation", {"module_args": {"files": len(self.params.get("files") or [])}})
        super()._return_formatted(kwargs)


class Tree:
    """Compares, stages, validates, replaces."""

    def __init__(self, module):
        self.module = module
        self.changed = []
        self.diff = []
        self.staged = {}

    def run(self):
        """Bring the host to the arguments."""
        parameters = self.module.params
        for entry in parameters["files"] + parameters["directories"] + parameters["existing"]:
            self._resolve(entry)
        lost = any(entry["sign"] and not os.path.isdir(entry["path"]) for entry in parameters["directories"])
        for directory in sorted(parameters["directories"], key=lambda entry: entry["path"]):
            self._directory(directory)
        self._files(parameters["files"])
        for entry in parameters["existing"]:
            if os.path.isfile(entry["path"]):
                self._set_attributes(entry)
        for path in [*parameters["absent"], *self._strangers()]:
            self._remove(path)
        for entry in parameters["derived"]:
            self._derive(entry)
        result = {"changed": bool(self.changed), "changed_paths": self.changed, "diff": self.diff}
        if lost and self.module.check_mode:
            result["ansible_facts"] = {"greenfield_result": {"lost": True}}
        return result

    def _files(self, files):
        """All are staged and validated before the first takes its place."""
        try:
            for file in files:
                self._stage(file)
            for file in files:
                self._validate(file)
            self._replace()
        finally:
            for staged in self.staged.values():
                if os.path.lexists(staged):
                    os.unlink(staged)

    def _resolve(self, entry):
        path = entry["path"]
        if not path.startswith("/") or os.path.normpath(path) != path or path == "/":
            self.module.fail_json(msg=f"{path!r} is not a plain absolute path")
        try:
            entry["mode"] = host_files.octal(entry["mode"])
        except ValueError:
            self.module.fail_json(msg=f'{path}: mode {entry["mode"]!r} is not octal, such as "0640"')
        uid, gid = host_files.user_id(entry["owner"]), host_files.group_id(entry["group"])
        entry["attributes"] = (entry["mode"], uid, gid)
        if not self.module.check_mode and None in (uid, gid):
            kind, name = ("user", entry["owner"]) if uid is None else ("group", entry["group"])
            self.module.fail_json(msg=f"{path}: no {kind} {name} on this host; make it before its files")

    def _directory(self, entry):
        path = entry["path"]
        try:
            state = os.stat(path)
        except FileNotFoundError:
            state = None
        if state is not None and not stat.S_ISDIR(state.st_mode):
            self.module.fail_json(msg=f"{path} should be a directory but is a file; move it away")
        if state is not None and not host_files.attributes_differ(state, entry["attributes"]):
            return
        self.changed.append(path)
        if self.module.check_mode:
            return
        os.makedirs(path, mode=0o755, exist_ok=True)
        host_files.set_attributes(path, entry["attributes"])

    def _stage(self, entry):
        path = entry["path"]
        content = entry["content"].encode()
        present = host_files.read(path)
        if present == content:
            self._set_attributes(entry)
            return
        if os.path.isdir(path) and not os.path.islink(path):
            self.module.fail_json(msg=f"{path} should be a file but is a directory; move it away")
        self.changed.append(path)
        self._note(entry, (present or b"").decode(errors="replace"), entry["content"])
        folder, attributes = None, entry["attributes"]
        if self.module.check_mode:
            if not entry["validate"]:
                return
            folder, attributes = self.module.tmpdir, (0o600, 0, 0)
        else:
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        self.staged[path] = host_files.stage(path, content, attributes, folder)

    def _set_attributes(self, entry):
        """Mode and owners of a file that is there."""
        if not host_files.attributes_differ(os.lstat(entry["path"]), entry["attributes"]):
            return
        self.changed.append(entry["path"])
        if not self.module.check_mode:
            host_files.set_attributes(entry["path"], entry["attributes"])

    def _strangers(self):
        """What stands in purged directories and is not named by the task."""
        parameters = self.module.params
        named = {entry["path"] for entry in parameters["files"] + parameters["directories"]}
        folders = [entry["path"] for entry in parameters["directories"] if entry["purge"]]
        present = [os.path.join(path, name) for path in folders if os.path.isdir(path) for name in os.listdir(path)]
        # A folder that holds something named stays.
        return sorted(path for path in present if not any(f"{kept}/".startswith(f"{path}/") for kept in named))

    def _note(self, entry, before, after):
        if self.module._diff:
            shown = bool(entry["mode"] & stat.S_IROTH)
            self.diff.append(
                {
                    "before_header": entry["path"],
                    "after_header": entry["path"],
                    "before": before if shown else "(not shown)\n",
                    "after": after if shown else "(not shown, differs)\n",
                }
            )

    def _validate(self, entry):
        staged = self.staged.get(entry["path"])
        if not staged or not entry["validate"]:
            return
        if "%s" not in entry["validate"]:
            self.module.fail_json(msg=f"{entry['path']}: validate must contain %s")
        words = [word.replace("%s", staged) for word in shlex.split(entry["validate"])]
        if self.module.check_mode and self.module.get_bin_path(words[0], opt_dirs=["/usr/sbin", "/sbin"]) is None:
            return  # On a bare host the checker comes with a package that check mode does not install.
        code, out, err = self.module.run_command(words)
        if code:
            said = (err or out).strip().replace(staged, entry["path"])
            self.module.fail_json(msg=f"{entry['path']} was not replaced: {words[0]} refuses it: {said}")

    def _replace(self):
        if self.module.check_mode:
            return
        for path, staged in self.staged.items():
            os.replace(staged, path)

    def _derive(self, entry):
        path, source = entry["path"], entry["source"]
        if not os.path.exists(source) or (os.path.exists(path) and os.stat(path).st_mtime >= os.lstat(source).st_ctime):
            return
        self.changed.append(path)
        if self.module.check_mode:
            return
        code, out, err = self.module.run_command(shlex.split(entry["command"]))
        if code:
            self.module.fail_json(msg=f"{path}: {entry['command']} failed: {(err or out).strip()}")
        if not os.path.exists(path):
            self.module.fail_json(msg=f"{entry['command']} succeeded but made no {path}")
        os.utime(path)  # It may have found nothing to change.

    def _remove(self, path):
        if not path.startswith("/") or os.path.normpath(path) != path or path.count("/") < 2:
            self.module.fail_json(msg=f"refusing to remove {path!r}: not a plain path below a top-level directory")
        if not os.path.lexists(path):
            return
        self.changed.append(path)
        if self.module.check_mode:
            return
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def main():
    """Entry point."""
    module = QuietModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "options": FILE, "default": []},
            "directories": {"type": "list", "elements": "dict", "options": DIRECTORY, "default": []},
            "existing": {"type": "list", "elements": "dict", "options": EXISTING, "default": []},
            "derived": {"type": "list", "elements": "dict", "options": DERIVED, "default": []},
            "absent": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        result = Tree(module).run()
    except OSError as error:
        module.fail_json(msg=f"{error.filename or 'a file'}: {error.strerror}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()

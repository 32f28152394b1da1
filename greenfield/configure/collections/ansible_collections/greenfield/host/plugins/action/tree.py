"""Renders a role's tree of templates on the controller, then lays it down with one module execution."""

from __future__ import annotations

import fnmatch
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template

TEMPLATE_SUFFIX = ".j2"
OWN = ("source", "names", "attributes")
ATTRIBUTE_KEYS = {"path", "mode", "owner", "group", "validate"}


class ActionModule(ActionBase):
    """``source``, ``names`` and ``attributes`` are resolved here; the module gets paths and contents."""

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        """Render and hand over."""
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        arguments = {key: value for key, value in self._task.args.items() if key not in OWN}
        source = self._task.args.get("source")
        rendered = self._render_tree(str(source), task_vars) if source else []
        taken = {file["path"] for file in rendered}
        for file in arguments.get("files") or []:
            if file["path"] in taken:
                raise AnsibleActionFail(f"{file['path']} is both in the tree {source} and in files")
        arguments["files"] = rendered + list(arguments.get("files") or [])
        return self._execute_module(module_name="greenfield.host.tree", module_args=arguments, task_vars=task_vars)

    def _render_tree(self, source, task_vars):
        root = Path(self._find_needle("templates", source))
        attributes = self._task.args.get("attributes") or []
        for rule in attributes:
            unknown = set(rule) - ATTRIBUTE_KEYS
            if unknown or "path" not in rule:
                raise AnsibleActionFail(f"attributes need path and know {sorted(ATTRIBUTE_KEYS)}; got {sorted(rule)}")
        templar = self._templar.copy_with_new_env(searchpath=[str(root)], available_variables=task_vars)
        files = []
        for file in sorted(path for path in root.rglob("*") if path.is_file()):
            target = self._target(file.relative_to(root))
            entry = {"path": target, "content": self._content(file, templar)}
            for rule in attributes:
                if fnmatch.fnmatchcase(target, rule["path"]):
                    entry.update({key: value for key, value in rule.items() if key != "path"})
                    break
            files.append(entry)
        return files

    def _target(self, relative):
        names = self._task.args.get("names") or {}
        target = "/" + str(relative)
        for key, value in names.items():
            target = target.replace(f"@{key}@", str(value))
        return target.removesuffix(TEMPLATE_SUFFIX)

    def _content(self, file, templar):
        text = self._loader.get_text_file_contents(str(file))
        if file.suffix != TEMPLATE_SUFFIX:
            return text
        try:
            content = templar.template(
                trust_as_template(text),
                escape_backslashes=False,
                overrides={"trim_blocks": True, "lstrip_blocks": True},
            )
        except Exception as error:
            # Any error of a template, whatever its class, is told with the file it comes from.
            raise AnsibleActionFail(f"template {file}: {error}") from error
        if content is None:
            return ""
        if not isinstance(content, (str, int, float)):
            raise AnsibleActionFail(f"template {file} gives a {type(content).__name__}, not text; end it with to_json")
        return str(content)

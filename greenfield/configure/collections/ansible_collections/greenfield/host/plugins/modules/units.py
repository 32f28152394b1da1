#!/usr/bin/python
"""Brings systemd units to their state with one execution."""

from __future__ import annotations

DOCUMENTATION = r"""
module: units
short_description: Enables, starts, stops, restarts and reloads systemd units
description:
  - Asks systemd once for all units, changes what differs, and waits until what was started is active.
  - C(restart_after) and C(reload_after) compare files with the time the unit started, so a run that was killed between
    a change of files and the restart is made good by the next one, which handlers can't do.
  - Order is masked, stopped, disabled, enabled, restarted, reloaded, started.
options:
  enabled: {description: Units that start with the host., type: list, elements: str, default: []}
  disabled: {description: Units that do not; unknown ones are ignored., type: list, elements: str, default: []}
  masked: {description: Units that can't be started at all., type: list, elements: str, default: []}
  started: {description: Units that run now., type: list, elements: str, default: []}
  stopped: {description: Units that do not run; unknown ones are ignored., type: list, elements: str, default: []}
  restarted: {description: Units to restart in any case (for handlers)., type: list, elements: str, default: []}
  reloaded: {description: Units to reload in any case (for handlers)., type: list, elements: str, default: []}
  restart_after:
    description: Unit to globs of files; a running unit is restarted when one of them, or the unit's own file or a
      drop-in, changed after it started.
    type: dict
    default: {}
  reload_after:
    description: Unit to globs of files; a running unit is reloaded when one of them changed after it started or was
      last reloaded.
    type: dict
    default: {}
  wait_seconds:
    description: How long a unit may take to become active; 0 does not wait (a member whose quorum is not there yet).
    type: int
    default: 60
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: Run the service
  greenfield.host.units:
    enabled: [chrony.service]
    started: [chrony.service]
    restart_after: {chrony.service: [/etc/chrony/chrony.conf, /etc/chrony/conf.d/*]}
"""

RETURN = r"""
actions:
  description: What was (or in check mode would be) done, such as C(restart chrony.service).
  type: list
  returned: always
"""

import datetime
import glob
import os
import time

from ansible.module_utils.basic import AnsibleModule

PROPERTIES = (
    "LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,Type,FragmentPath,DropInPaths,InactiveExitTimestamp"
)
LISTS = ("masked", "stopped", "disabled", "enabled", "restarted", "reloaded", "started")
RUNNING = ("active", "reloading")
STAYS_ENABLED = ("enabled", "enabled-runtime", "static", "alias", "indirect", "generated", "transient")
FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system")
RELOADED = "/run/greenfield/reloaded"
POLL_SECONDS = 0.2
SETTLE_SECONDS = 0.4
JOURNAL_LINES = "15"


class Units:
    """Compares with what systemd shows and calls systemctl where something differs."""

    def __init__(self, module):
        self.module = module
        self.parameters = module.params
        self.actions = []
        self.awaited = []
        self.stale = []
        self.relinked = False
        self.shown = {}

    def run(self):
        """Bring the units to the arguments."""
        wanted = [name for key in LISTS for name in self.parameters[key]]
        wanted += [*self.parameters["restart_after"], *self.parameters["reload_after"]]
        self.names = list(dict.fromkeys(wanted))
        if not self.names:
            return {"changed": False, "actions": []}
        self.shown = self._show(self.names)
        self.stale = self._stale()
        self._mask_stop_disable()
        self._enable()
        self._daemon_reload()
        self._restart_reload_start()
        if self.awaited and self.parameters["wait_seconds"]:
            self._wait()
        return {"changed": bool(self.actions), "actions": self.actions}

    def _show(self, names):
        """Properties of each unit, in the order of the names."""
        command = ["systemctl", "show", "--timestamp=us+utc", "-p", PROPERTIES, "--", *names]
        code, out, err = self.module.run_command(command)
        if code:
            self.module.fail_json(msg=f"systemctl show failed: {err.strip()}")
        blocks = [block for block in out.split("\n\n") if block.strip()]
        if len(blocks) != len(names):
            self.module.fail_json(msg=f"systemctl shows {len(blocks)} units for {len(names)} names: {', '.join(names)}")
        return {
            name: dict(line.partition("=")[::2] for line in block.strip().splitlines())
            for name, block in zip(names, blocks, strict=True)
        }

    def _call(self, verb, names, *options):
        """Note and run one systemctl verb for some units."""
        if not names:
            return
        self.actions.append(" ".join([verb, *names]))
        if self.module.check_mode:
            return
        code, out, err = self.module.run_command(["systemctl", *options, verb, *names])
        if code:
            self.module.fail_json(
                msg=f"systemctl {verb} {' '.join(names)}: {(err or out).strip()}{self._journal(names)}"
            )

    def _stale(self):
        """Units that systemd has loaded from other files than those on disk."""
        return [
            name
            for name in self.names
            if self.shown[name]["NeedDaemonReload"] == "yes"
            or (self.shown[name]["LoadState"] == "not-found" and self._file_of(name))
            or set(self._drop_ins_of(name)) - set(self.shown[name]["DropInPaths"].split())
        ]

    def _daemon_reload(self):
        """Have systemd read its files anew, once for all that was masked, enabled or written before."""
        if self.module.check_mode or not (self.stale or self.relinked):
            return
        self.module.run_command(["systemctl", "daemon-reload"], check_rc=True)
        self.shown = self._show(self.names)

    @staticmethod
    def _file_of(name):
        return next((path for folder in FOLDERS if os.path.exists(path := f"{folder}/{name}")), "")

    @staticmethod
    def _drop_ins_of(name):
        """Drop-ins on disk: systemd does not notice the first one of a unit that it has loaded before."""
        return [path for folder in FOLDERS for path in glob.glob(f"{folder}/{name}.d/*.conf")]

    def _is(self, name, key, *values):
        return self.shown[name].get(key, "") in values

    def _link(self, verb, names):
        """Change which units start; systemd is not made to read its files anew for each verb."""
        self._call(verb, names, "--no-reload")
        self.relinked = self.relinked or bool(names)

    def _mask_stop_disable(self):
        masked, stopped, disabled = (self.parameters[key] for key in ("masked", "stopped", "disabled"))
        stop = [
            name
            for name in dict.fromkeys([*masked, *stopped])
            if self._is(name, "ActiveState", "active", "activating", "reloading")
        ]
        self._call("stop", stop)
        self._link(
            "disable", [name for name in disabled if self._is(name, "UnitFileState", "enabled", "enabled-runtime")]
        )
        self._link("mask", [name for name in masked if not self._is(name, "UnitFileState", "masked")])

    def _enable(self):
        enabled = self.parameters["enabled"]
        self._link("unmask", [name for name in enabled if self._is(name, "UnitFileState", "masked", "masked-runtime")])
        absent = [name for name in enabled if self._is(name, "LoadState", "not-found") and not self._file_of(name)]
        if absent and not self.module.check_mode:
            self.module.fail_json(msg=f"systemd knows no unit {', '.join(absent)}; is its package or file there?")
        self._link("enable", [name for name in enabled if not self._is(name, "UnitFileState", *STAYS_ENABLED)])

    def _restart_reload_start(self):
        restart = list(self.parameters["restarted"])
        for name, globs in self.parameters["restart_after"].items():
            own = [self.shown[name]["FragmentPath"], *self.shown[name]["DropInPaths"].split()]
            outdated = name in self.stale or self._newer([*globs, *own], self._since(name))
            if name not in restart and self._running(name) and outdated:
                restart.append(name)
        reload = list(self.parameters["reloaded"])
        for name, globs in self.parameters["reload_after"].items():
            since = max(self._since(name), self._reloaded_at(name))
            if name not in reload and self._running(name) and self._newer(globs, since):
                reload.append(name)
        reload = [name for name in reload if name not in restart]
        start = [name for name in self.parameters["started"] if name not in restart and not self._running(name)]
        self._call("restart", restart, "--no-block")
        for name in reload:
            self._mark_reload(name)
        self._call("reload-or-restart", reload)
        self._call("start", start, "--no-block")
        self.awaited = [] if self.module.check_mode else [*restart, *start]

    def _running(self, name):
        return self._is(name, "ActiveState", *RUNNING) or (
            # Started before, not up yet (a quorum that is not there): it is not started again.
            self._is(name, "ActiveState", "activating") and not self._is(name, "SubState", "auto-restart")
        )

    def _since(self, name):
        """When the unit left the inactive state, in seconds since the epoch; 0 when it never did."""
        text = self.shown[name].get("InactiveExitTimestamp", "")
        if not text:
            return 0.0
        _, day, clock, zone = text.split(" ")
        moment = datetime.datetime.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S.%f")
        if zone != "UTC":
            self.module.fail_json(msg=f"systemd gives the start of {name} as {text!r}, expected UTC")
        return moment.replace(tzinfo=datetime.UTC).timestamp()

    @staticmethod
    def _newer(globs, since):
        paths = [path for pattern in globs if pattern for path in glob.glob(pattern)]
        return any(os.lstat(path).st_ctime > since for path in paths)

    @staticmethod
    def _reloaded_at(name):
        try:
            return os.stat(os.path.join(RELOADED, name)).st_mtime
        except FileNotFoundError:
            return 0.0

    def _mark_reload(self, name):
        if self.module.check_mode:
            return
        os.makedirs(RELOADED, exist_ok=True)
        path = os.path.join(RELOADED, name)
        # Marked before the reload, so that a file that changes meanwhile is read by the next one.
        with open(path, "w", encoding="ascii"):
            os.utime(path)

    def _wait(self):
        """Wait until what was started is active and still is a moment later."""
        deadline = time.monotonic() + self.parameters["wait_seconds"]
        settled = False
        while True:
            shown = self._show(self.awaited)
            failed = [name for name in self.awaited if self._has_failed(shown[name])]
            if failed:
                self.module.fail_json(msg=f"{', '.join(failed)} failed to start{self._journal(failed)}")
            pending = [name for name in self.awaited if not self._is_up(shown[name])]
            if not pending and settled:
                return
            settled = not pending
            if time.monotonic() > deadline:
                states = ", ".join(
                    f"{name} is {shown[name]['ActiveState']}/{shown[name]['SubState']}" for name in pending
                )
                self.module.fail_json(msg=f"after {self.parameters['wait_seconds']} s {states}{self._journal(pending)}")
            time.sleep(SETTLE_SECONDS if settled else POLL_SECONDS)

    @staticmethod
    def _is_up(shown):
        done = shown.get("Type") == "oneshot" and shown["ActiveState"] == "inactive"
        return done or shown["ActiveState"] in RUNNING

    @staticmethod
    def _has_failed(shown):
        return shown["ActiveState"] == "failed" or shown["SubState"] == "auto-restart"

    def _journal(self, names):
        units = [word for name in names for word in ("-u", name)]
        _, out, _ = self.module.run_command(["journalctl", "--no-pager", "-o", "cat", "-n", JOURNAL_LINES, *units])
        return f"; its last words:\n{out.strip()}" if out.strip() else ""


def main():
    """Entry point."""
    lists = {key: {"type": "list", "elements": "str", "default": []} for key in LISTS}
    module = AnsibleModule(
        argument_spec={
            **lists,
            "restart_after": {"type": "dict", "default": {}},
            "reload_after": {"type": "dict", "default": {}},
            "wait_seconds": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    module.exit_json(**Units(module).run())


if __name__ == "__main__":
    main()

#!/usr/bin/python
"""Proves that containerd runs containers, tells which ones run, ends them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: containers
short_description: Containers of a host's containerd
description:
  - C(working) runs a container of an image and removes it. The image is pulled when it is not there, or with C(pull).
  - C(seen) tells which containers run.
  - C(ended) asks all containers to end, kills what has not ended at the deadline, and removes their tasks.
  - C(wiped) empties the folder that a stopped containerd kept images and containers in.
options:
  state:
    description: See above.
    type: str
    choices: [working, seen, ended, wiped]
    required: true
  image:
    description: With C(working), an image whose process stays until it is killed.
    type: str
    default: ""
  pull:
    description: With C(working), ask the registry also for an image that is there.
    type: bool
    default: false
  root:
    description: With C(wiped), the folder.
    type: path
  deadline_seconds:
    description: How long to try.
    type: int
    default: 60
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: A container runs
  greenfield.host.containers:
    state: working
    image: registry.k8s.io/pause:3.10.1
"""

RETURN = r"""
ansible_facts:
  description: C(greenfield_result) with what was seen.
  type: dict
  returned: always
"""

import fcntl
import os
import shutil
import time

from ansible.module_utils.basic import AnsibleModule

REGISTRIES = "/etc/containerd/certs.d"
NAMESPACE = "greenfield"
PROBE = "greenfield-probe"
LOCK = "/run/greenfield/container-probe"
MEMORY_BYTES = 16 * 2**20
"""Enough for a process that only waits."""
POLL_SECONDS = 0.3
CALL_SECONDS = 20
CONNECT = "5s"
FORGET_SECONDS = 10
"""How long a killed container may take to be gone."""


class CallError(Exception):
    """What ctr said when it failed."""


def tasks_of(text):
    """Container and state of each line that ``ctr tasks list`` prints."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return {row[0]: row[2] for row in rows if len(row) == 3}


def last_words(text):
    """The last line that says something, without the program's name."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("ctr: ") if lines else "it said nothing"


class Containers:
    """One state each method; each returns whether something changed and what to hand back."""

    def __init__(self, module):
        self.module = module
        self.parameters = module.params
        self.deadline = time.monotonic() + module.params["deadline_seconds"]

    def _call(self, *words, seconds=CALL_SECONDS):
        command = ["timeout", "--kill-after=2", str(seconds), "ctr", "--connect-timeout", CONNECT, *words]
        code, out, err = self.module.run_command(command)
        if code in (124, 137):
            raise CallError(f"ctr {' '.join(words)} did not end within {seconds} s")
        if code:
            raise CallError(last_words(err or out))
        return out

    def _late(self):
        if time.monotonic() > self.deadline:
            return True
        time.sleep(POLL_SECONDS)
        return False

    def working(self):
        """Run a container, again until one ran or time is over."""
        if self.module.check_mode:
            return False, {}
        os.makedirs(os.path.dirname(LOCK), exist_ok=True)
        with open(LOCK, "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            while True:
                try:
                    return False, self._probe()
                except CallError as error:
                    last = str(error)
                if self._late():
                    self.module.fail_json(
                        msg=f"no container of {self.parameters['image']} runs here after "
                        f"{self.parameters['deadline_seconds']} s: {last}"
                    )

    def _probe(self):
        """Run one container and remove it."""
        image, own = self.parameters["image"], ("--namespace", NAMESPACE)
        plugins = [line.split() for line in self._call("plugins", "list").splitlines()]
        for row in plugins:
            if row[:2] == ["io.containerd.grpc.v1", "cri"] and row[-1] != "ok":
                raise CallError("the plugin cri of containerd is not loaded; see its journal")
        present = self._call(*own, "images", "list", "--quiet").split()
        if self.parameters["pull"] or image not in present:
            seconds = max(CALL_SECONDS, int(self.deadline - time.monotonic()))
            try:
                self._call(*own, "images", "pull", "--hosts-dir", REGISTRIES, image, seconds=seconds)
            except CallError as error:
                raise CallError(f"it can't be had from the site's registry: {error}") from error
        self._forget(own)
        try:
            self._call(*own, "run", "--detach", "--memory-limit", str(MEMORY_BYTES), image, PROBE)
            state = tasks_of(self._call(*own, "tasks", "list")).get(PROBE, "gone")
            if state != "RUNNING":
                raise CallError(f"its process is {state} right after the start")
        finally:
            self._forget(own)
        return {"image": image, "version": self._version()}

    def _version(self):
        return self._call("--version").split()[-1]

    def _forget(self, own):
        """Remove the container of this or of an earlier, ended run."""
        until = time.monotonic() + FORGET_SECONDS
        while PROBE in tasks_of(self._call(*own, "tasks", "list")):
            self._attempt(*own, "tasks", "kill", "--signal", "SIGKILL", PROBE)
            self._attempt(*own, "tasks", "delete", PROBE)
            if time.monotonic() > until:
                raise CallError(f"{PROBE} does not end after SIGKILL")
            time.sleep(0.05)
        if PROBE in self._call(*own, "containers", "list", "--quiet").split():
            self._call(*own, "containers", "delete", PROBE)

    def _attempt(self, *words):
        """A call whose failure shows in what is seen next."""
        try:
            self._call(*words)
        except CallError:
            return

    def _tasks(self):
        """State by namespace and container of all that has a process."""
        found = {}
        for namespace in self._call("namespaces", "list", "--quiet").split():
            tasks = tasks_of(self._call("--namespace", namespace, "tasks", "list"))
            found |= {(namespace, name): state for name, state in tasks.items()}
        return found

    def seen(self):
        """Tell what runs."""
        try:
            tasks = self._tasks()
        except CallError as error:
            return False, {"running": [], "trouble": str(error)}
        return False, {"running": sorted("/".join(key) for key, state in tasks.items() if state == "RUNNING")}

    def ended(self):
        """Ask, wait, kill."""
        try:
            tasks = self._tasks()
        except CallError:
            # No daemon and no shim of it, nothing runs; with shims left, systemd still counts their processes.
            code, out, _ = self.module.run_command(["pgrep", "-f", "^/usr/bin/containerd-shim"])
            if code == 0 and out.strip():
                self.module.fail_json(
                    msg="containers run here but containerd does not answer. Fix: systemctl start containerd"
                )
            return False, {"ended": []}
        if not tasks or self.module.check_mode:
            return bool(tasks), {"ended": sorted(map("/".join, tasks))}
        signal = "SIGTERM"
        left = dict(tasks)
        while left:
            for namespace, name in left:
                own = ("--namespace", namespace)
                self._attempt(*own, "tasks", "kill", "--all", "--signal", signal, name)
                self._attempt(*own, "tasks", "delete", name)
            left = self._tasks()
            if left and self._late():
                if signal == "SIGKILL":
                    self.module.fail_json(msg=f"still there after SIGKILL: {', '.join(map('/'.join, left))}")
                signal, self.deadline = "SIGKILL", time.monotonic() + FORGET_SECONDS
        return True, {"ended": sorted(map("/".join, tasks))}

    def wiped(self):
        """Empty the folder, which may be a mount point."""
        root = self.parameters["root"] or ""
        if not root.startswith("/") or os.path.normpath(root) != root or root.count("/") < 2:
            self.module.fail_json(msg=f"refusing to empty {root!r}: not a plain path below a top-level directory")
        paths = [os.path.join(root, name) for name in os.listdir(root)] if os.path.isdir(root) else []
        for path in paths if not self.module.check_mode else []:
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        return bool(paths), {}


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["working", "seen", "ended", "wiped"], "required": True},
            "image": {"type": "str", "default": ""},
            "pull": {"type": "bool", "default": False},
            "root": {"type": "path"},
            "deadline_seconds": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    changed, facts = getattr(Containers(module), module.params["state"])()
    module.exit_json(changed=changed, ansible_facts={"greenfield_result": facts})


if __name__ == "__main__":
    main()

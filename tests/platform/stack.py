"""A Pulumi stack in a folder of its own: the CLI as people run it, on a state of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patience import patience

from greenfield.artifacts import kubernetes_plugin, toolchain

BIN = Path(sys.executable).parent
DEADLINE_SECONDS = 300


@dataclass(slots=True)
class Stack:
    """One stack, whose Python program finds the kubeconfig in the environment.

    ``named``: Pulumi.yaml says where the plugin is; else it is found on PATH.
    """

    folder: Path
    kubeconfig: str
    named: bool = True
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "state").mkdir()
        home, temporary = self.folder / "home", self.folder / "tmp"
        home.mkdir()
        temporary.mkdir()
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "PATH": os.pathsep.join([str(BIN), toolchain.path_prefix(), *self._on_path(), os.environ["PATH"]]),
            "PULUMI_BACKEND_URL": (self.folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "of a test",
            "PULUMI_HOME": str(home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "TMPDIR": str(temporary),
            "TEST_KUBECONFIG": self.kubeconfig,
        }
        self.environment.pop("KUBECONFIG", None)
        # Either place is looked into: the project's own list, or PATH.
        providers = [{"name": "greenfield", "path": str(BIN)}]
        providers += [{"name": "kubernetes", "path": str(kubernetes_plugin.folder())}] if self.named else []
        named = {"providers": providers}
        project = {"name": "platform", "runtime": "python", "plugins": named}
        (self.folder / "Pulumi.yaml").write_text(json.dumps(project))
        self.pulumi("stack", "init", "test")

    def _on_path(self) -> list[str]:
        return [] if self.named else [str(kubernetes_plugin.folder())]

    def write(self, program: str) -> None:
        """The program from now on."""
        (self.folder / "__main__.py").write_text(program)

    def pulumi(self, *arguments: str, fails: bool = False) -> str:
        """Run the CLI; what it printed. An end other than the one expected fails the test."""
        result = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=patience(DEADLINE_SECONDS),
            check=False,
        )
        assert (result.returncode != 0) == fails, f"pulumi {' '.join(arguments)}: {result.returncode}\n{result.stdout}"
        return result.stdout

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The CLI while it runs, in a process group of its own; ended with the block."""
        process = subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def up(self, program: str | None = None, *, fails: bool = False, preview: bool = False) -> str:
        """``pulumi up``; without its preview unless asked for."""
        if program is not None:
            self.write(program)
        return self.pulumi("up", "--yes", "--diff", *([] if preview else ["--skip-preview"]), fails=fails)

    @property
    def state(self) -> str:
        """The stack's state as it lies on the disk."""
        return (self.folder / "state" / ".pulumi" / "stacks" / "platform" / "test.json").read_text()

    def resources(self) -> list[dict[str, Any]]:
        """What the stack holds."""
        exported = json.loads(self.pulumi("stack", "export"))
        return list(exported["deployment"].get("resources") or [])


def counts(said: str) -> dict[str, int]:
    """How many resources were ``created``, ``updated``, ``replaced``, ``deleted``, left ``unchanged``."""
    tail = said.rpartition("Resources:")[2]
    return {
        word: int(number) for number, word in re.findall(r"(\d+) (created|updated|replaced|deleted|unchanged)", tail)
    }

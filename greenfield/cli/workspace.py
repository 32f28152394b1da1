"""A Pulumi workspace for a spec: project, stack, state and passphrase, so that ``greenfield up SPEC`` needs no set-up.

People who have their own Pulumi project and backend don't need it: they run ``pulumi up`` on a program of ten lines.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from greenfield import content, state
from greenfield.cli import child, former_plugin, killed
from greenfield.cli.app import err
from greenfield.cli.scratch import scratch
from greenfield.errors import GreenfieldError

if TYPE_CHECKING:
    from greenfield.plan import Placement

PROJECT = "greenfield"
PROVIDER = "pulumi:providers:kubernetes"
"""Type of the resource by which a stack reaches a Kubernetes engine."""

DEBUG_FLAGS = frozenset({"-d", "--debug"})


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where one cluster's stack lives.

    Attributes:
        spec: absolute path of the spec.
        stack: name of the stack, ``<site>-<cluster>``.
        cluster: name of the cluster.
        folder: holds Pulumi.yaml and the stack's config; below the user's state folder.
        digest: of the spec that was read; empty where none was.
        platforms: whether the spec has any on this cluster.
    """

    spec: Path
    stack: str
    cluster: str
    folder: Path
    digest: str = ""
    platforms: bool = False

    @classmethod
    def of(cls, spec: Path, cluster: str | None = None) -> Workspace:
        """The workspace of a spec's cluster.

        Raises:
            SpecError: the spec is wrong, or has several clusters and none was named.
        """
        from greenfield.spec import load

        loaded = load([spec])
        chosen, site = loaded.cluster(cluster)
        return replace(
            cls.named(spec, site.name, chosen.name),
            digest=loaded.digest,
            platforms=any(each.cluster == chosen.name for each in loaded.platforms.values()),
        )

    @classmethod
    def named(cls, spec: Path, site: str, cluster: str) -> Workspace:
        """The workspace of a cluster that is known to be in the spec."""
        stack = f"{site}-{cluster}"
        return cls(spec.resolve(), stack, cluster, state.folder() / "workspaces" / stack)

    @property
    def exists(self) -> bool:
        """Whether the stack was made before."""
        return self._checkpoint.exists()

    @property
    def known_state(self) -> Any:
        """The stack's state as Pulumi keeps it in a file, secrets encrypted; ``None`` when it lies elsewhere."""
        return json.loads(self._checkpoint.read_text()) if self.exists else None

    @property
    def _checkpoint(self) -> Path:
        """The stack's state, when it lies in the state folder of ours."""
        return state.folder() / "pulumi" / ".pulumi" / "stacks" / PROJECT / f"{self.stack}.json"

    def prepare(self) -> None:
        """Write the project and its config, and make the stack, where they are not there yet."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        project = {
            "name": PROJECT,
            "runtime": {"name": "python"},
            "main": str(content.root() / "stacks"),
            "plugins": {"providers": [{"name": name, "path": path} for name, path in self._plugins().items()]},
        }
        # JSON is YAML, and quotes every path.
        (self.folder / "Pulumi.yaml").write_text(json.dumps(project, indent=2) + "\n")
        if not self.exists:
            # Whether a backend of the user's has it, Pulumi knows.
            self.pulumi("stack", "select", self.stack, "--create", "--non-interactive", quiet=True)
        wanted = {"greenfield:spec": str(self.spec), "greenfield:cluster": self.cluster}
        if not wanted.items() <= self._config().items():
            words = [part for key, value in wanted.items() for part in ("--plaintext", f"{key}={value}")]
            self.pulumi("config", "set-all", *words, quiet=True)

    def _plugins(self) -> dict[str, str]:
        """Plugin to its folder. That of Kubernetes is built where none is installed: only for a stack that needs it."""
        found = {"greenfield": str(Path(sys.executable).parent)}
        # What a platform has left when it went from the spec is taken away by it too.
        if self.platforms or (self.exists and PROVIDER in self._checkpoint.read_text()):
            from greenfield.artifacts import kubernetes_plugin

            found["kubernetes"] = str(kubernetes_plugin.folder(progress=_dim))
        return found

    def _config(self) -> dict[str, Any]:
        """The stack's config as it is, without starting Pulumi for it."""
        file = self.folder / f"Pulumi.{self.stack}.yaml"
        found = yaml.safe_load(file.read_text()) if file.exists() else None
        return dict((found or {}).get("config") or {})

    def forget(self) -> None:
        """Drop the stack's state without touching any host (for a lab whose hosts are gone)."""
        from greenfield.plan import record_gone

        self.pulumi("stack", "rm", self.stack, "--yes", "--force", quiet=True)
        record_gone(self._records, self.cluster)

    @property
    def placement(self) -> Placement:
        """What the placement record beside the spec says now.

        Raises:
            PlanError: it can't be read.
        """
        from greenfield.plan import EMPTY, load_placement

        return load_placement(self._records, self.cluster) or EMPTY

    def settle(self, quarantine: Collection[str]) -> Placement:
        """Enter that what was to leave hosts has left them, after a run that left nothing else to be done."""
        from greenfield.plan import record_settled

        record_settled(self._records, self.cluster, quarantine)
        return self.placement

    @property
    def _records(self) -> Path:
        return self.spec if self.spec.is_dir() else self.spec.parent

    def pulumi(
        self, *arguments: str, quiet: bool = False, check: bool = True, more: Mapping[str, str] | None = None
    ) -> int:
        """Run the Pulumi CLI in the workspace; its output goes to the terminal unless ``quiet``.

        Args:
            more: environment variables beyond those of every run.

        Raises:
            GreenfieldError: it failed (``check``), with its last words when it was quiet.
        """
        command = ["pulumi", *arguments]
        environment = {**os.environ, **self.environment(), **(more or {})}
        if DEBUG_FLAGS & set(arguments):
            # The stack's program sends no debug messages else (greenfield.resources.debug).
            environment.setdefault("GREENFIELD_DEBUG", "1")
        words: list[str] = []
        if quiet:
            result = subprocess.run(
                command, cwd=self.folder, env=environment, check=False, capture_output=True, text=True
            )
            code, words = result.returncode, (result.stderr or result.stdout).strip().splitlines()
        else:
            with scratch(self.folder / "scratch") as temporary:
                environment["TMPDIR"] = str(temporary)
                code = child.run(command, folder=self.folder, environment=environment)
        if code and check:
            raise GreenfieldError(f"pulumi {arguments[0]} ended with {code}: {' '.join(words[-3:])}".rstrip(": "))
        return code

    def environment(self) -> dict[str, str]:
        """What Pulumi needs: its tools on PATH, and, unless the user chose otherwise, a local state and passphrase."""
        from greenfield.artifacts.toolchain import path_prefix

        tools = path_prefix(progress=_dim)
        found = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), tools, os.environ.get("PATH", "")]),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_STACK": self.stack,
        }
        found |= _own(os.environ)
        return found

    def go_on(self) -> None:
        """Make the stack fit for a run, whatever became of the one before: killed, ended at once, machine restarted."""
        if self._locked() or not self._checkpoint.exists():
            return
        # Asked of the file first: exporting a state takes as long as a small preview.
        text = self._checkpoint.read_text()
        former = PROVIDER in text and former_plugin.left(json.loads(text)["checkpoint"]["latest"] or {})
        if killed.PENDING in text or former:
            self._mend_state()

    def _locked(self) -> bool:
        """Whether a run holds the stack's lock; that of a run on this machine that is dead is removed."""
        folder = state.folder() / "pulumi" / ".pulumi" / "locks" / "organization" / PROJECT / self.stack
        for path in folder.glob("*.json"):
            holder = json.loads(path.read_text())
            here = holder.get("hostname") == socket.gethostname()
            if not here or Path(f"/proc/{holder.get('pid')}").exists():
                return True
            err.print(f"[yellow]an earlier run (pid {holder['pid']}) was killed; going on where it stopped[/yellow]")
            path.unlink(missing_ok=True)
            (path.parent / f"{path.name}.attrs").unlink(missing_ok=True)
        return False

    def _mend_state(self) -> None:
        """Rid the stack's state of what a run was in the middle of, and hand over what an earlier plugin has made."""
        file = self.folder / "state.json"
        self.pulumi("stack", "export", "--file", str(file), quiet=True)
        exported = json.loads(file.read_text())
        deployment = exported["deployment"]
        if killed.mend(deployment) | former_plugin.hand_over(deployment):
            file.write_text(json.dumps(exported))
            self.pulumi("stack", "import", "--file", str(file), quiet=True)
        file.unlink()


def _dim(line: str) -> None:
    err.print(f"[dim]{line}[/dim]")


def up_arguments(*, preview: bool, yes: bool, refresh: bool, extra: Sequence[str]) -> list[str]:
    """Arguments of ``pulumi up`` or ``pulumi preview``."""
    arguments = ["preview"] if preview else ["up", *(["--yes"] if yes else [])]
    return [*arguments, *(["--refresh"] if refresh else []), *extra]


def _own(environment: Mapping[str, str]) -> dict[str, str]:
    """A backend and a passphrase of our own, where the user has set none."""
    found = {}
    if "PULUMI_BACKEND_URL" not in environment:
        folder = state.folder() / "pulumi"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found["PULUMI_BACKEND_URL"] = folder.as_uri()
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & set(environment):
        found["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase())
    if "PULUMI_HOME" not in environment:
        found["PULUMI_HOME"] = str(_home())
    return found


def _home() -> Path:
    """A Pulumi home without Pulumi's own debug log.

    Pulumi writes all properties of all resources into it, at half of the time that the preview of a large site takes.
    It has no switch for that, but goes on without the log where its folder can't be made.
    """
    folder = state.folder() / "pulumi-home"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "logs").touch()
    return folder


def _passphrase() -> Path:
    path = state.folder() / "passphrase"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path

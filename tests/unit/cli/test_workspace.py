"""What Pulumi is started with in a spec's workspace."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from greenfield import state
from greenfield.artifacts import kubernetes_plugin
from greenfield.cli import child
from greenfield.cli.workspace import Workspace

VARIABLE = "GREENFIELD_DEBUG"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["up"], None), (["up", "--debug"], "1"), (["-d", "preview"], "1"), (["up", "--diff"], None)],
)
def test_who_asks_pulumi_for_debug_messages_has_those_of_the_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], told: str | None
) -> None:
    seen: list[str | None] = []

    def run(command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> int:
        seen.append(environment.get(VARIABLE))
        return 0

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(child, "run", run)
    monkeypatch.setattr(Workspace, "environment", lambda self: {})
    Workspace(tmp_path, "lab-orders", "orders", tmp_path).pulumi(*arguments)
    assert seen == [told]


def test_what_pulumis_programs_leave_in_the_temporary_folder_goes_with_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The Kubernetes plugin writes an administrator's key there."""
    seen: list[Path] = []

    def run(command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> int:
        seen.append(Path(environment["TMPDIR"]) / "kubeconfig1")
        seen[-1].write_text("key")
        return 0

    monkeypatch.setattr(child, "run", run)
    monkeypatch.setattr(Workspace, "environment", lambda self: {})
    Workspace(tmp_path, "lab-orders", "orders", tmp_path).pulumi("up")
    assert not seen[0].parent.exists()


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workspace:
    """One whose Pulumi is told nothing, and whose state is a file of ours."""
    monkeypatch.setattr(state, "folder", lambda: tmp_path)
    monkeypatch.setattr(Workspace, "environment", lambda self: {})
    monkeypatch.setattr(Workspace, "pulumi", lambda self, *arguments, **options: 0)
    monkeypatch.setattr(kubernetes_plugin, "folder", lambda *, progress: Path("/official"))
    return Workspace(tmp_path, "lab-orders", "orders", tmp_path / "workspace")


def _state(workspace: Workspace, *resources: dict[str, Any]) -> None:
    latest = {"resources": list(resources)}
    workspace._checkpoint.parent.mkdir(parents=True, exist_ok=True)
    workspace._checkpoint.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))


def _plugins(workspace: Workspace) -> dict[str, str]:
    workspace.prepare()
    project = json.loads((workspace.folder / "Pulumi.yaml").read_text())
    return {each["name"]: each["path"] for each in project["plugins"]["providers"]}


PROVIDER = {"type": "pulumi:providers:kubernetes", "urn": "p", "custom": True}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
FORMER = {
    "type": "kubernetes:core/v1:Namespace",
    "urn": "n",
    "custom": True,
    "inputs": NAMESPACE,
    "outputs": {**NAMESPACE, "__fieldManager": "pulumi-kubernetes-1"},
}


def test_the_kubernetes_plugin_is_had_only_where_a_stack_needs_it(workspace: Workspace) -> None:
    own = {"greenfield": str(Path(sys.executable).parent)}
    assert _plugins(workspace) == own
    with_platform = Workspace(workspace.spec, workspace.stack, workspace.cluster, workspace.folder, platforms=True)
    assert _plugins(with_platform) == {**own, "kubernetes": "/official"}
    # What a platform has left that went from the spec is taken away by it too.
    _state(workspace, PROVIDER)
    assert _plugins(workspace) == {**own, "kubernetes": "/official"}


def test_a_state_of_the_plugin_of_before_is_handed_over_once(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []

    def pulumi(self: Workspace, *arguments: str, **options: Any) -> int:
        called.append(arguments[1])
        file = Path(arguments[arguments.index("--file") + 1])
        if arguments[1] == "export":
            file.write_text(json.dumps({"version": 3, "deployment": self.known_state["checkpoint"]["latest"]}))
        else:
            _state(self, *json.loads(file.read_text())["deployment"]["resources"])
        return 0

    monkeypatch.setattr(Workspace, "pulumi", pulumi)
    workspace.folder.mkdir()
    _state(workspace, PROVIDER, FORMER)
    workspace.go_on()
    workspace.go_on()
    assert called == ["export", "import"]
    assert workspace.known_state["checkpoint"]["latest"]["resources"][1]["outputs"]["__inputs"] == NAMESPACE

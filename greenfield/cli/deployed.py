"""What a plan is compared with: the state of ``greenfield up``, or one that the user names."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from greenfield.artifacts import Lock
    from greenfield.plan import Plan
    from greenfield.plan.changes import Changes

UNKNOWN = (
    "by the placement record engines are deployed, but there is no state of greenfield up here to compare with. "
    "That of your own stack does: pulumi stack export | greenfield plan SPEC --deployed -"
)


def differences(made: Plan, spec: Path, lock: Lock | None, file: Path | None, *, recorded: bool) -> Changes | None:
    """What a plan changes; ``None`` where nothing tells what is deployed.

    Args:
        spec: a path of the spec; by it and the cluster's name ``greenfield up`` knows its stack.
        file: state of a stack to compare with instead; ``-`` is standard input.
        recorded: whether the placement record knows engines that are deployed. If not, nothing was ever delivered.

    Raises:
        PlanError: the file can't be read or holds no state.
    """
    from greenfield.cli.workspace import Workspace
    from greenfield.plan.changes import changes
    from greenfield.plan.deployed import deployed

    state: Any = None
    if file is not None:
        state = _read(file)
    elif "PULUMI_BACKEND_URL" not in os.environ:
        state = Workspace.named(spec, made.site.name, made.cluster.name).known_state
    if state is None:
        return None if recorded else changes(made, None)
    return changes(made, deployed(state, made.cluster.name), _facts(made, lock))


def _read(file: Path) -> Any:
    from greenfield.errors import PlanError

    fix = "pulumi stack export --file FILE writes a state"
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"{file} can't be read: {error.strerror}", fix=fix) from error
    except ValueError as error:
        raise PlanError(f"{file} is no JSON: {error}", fix=fix) from error


def _facts(made: Plan, lock: Lock | None) -> dict[str, dict[str, Any]]:
    """What layers are told of the artifact lock. What it does not hold yet can't be compared."""
    from greenfield.artifacts.facts import engine_facts, host_facts
    from greenfield.errors import ArtifactError
    from greenfield.plan import HOST_LAYER

    if lock is None:
        return {}
    found = {HOST_LAYER: host_facts(lock)}
    for name, spec in made.cluster.engines.items():
        try:
            found[name] = engine_facts(lock, spec, made.site.mirror.url)
        except ArtifactError:
            continue
    return found

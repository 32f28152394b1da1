"""What Pulumi is started with in a spec's workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

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

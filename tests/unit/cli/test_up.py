"""What ``greenfield up`` asks of Pulumi."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from typer.testing import CliRunner

import greenfield.cli.up  # noqa: F401 (registers the commands)
from greenfield.cli.app import app
from greenfield.cli.workspace import Workspace

CONFIG = ("--config", "greenfield:quarantine=")


@dataclass
class Recorded:
    """A workspace that keeps what it is asked; ``fails`` is the command that does."""

    fails: str = ""
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def prepare(self) -> None:
        """Nothing."""

    def go_on(self) -> None:
        """Nothing."""

    def pulumi(self, *arguments: str, check: bool = True) -> int:
        """Keep it."""
        assert not check
        self.calls.append(arguments)
        return int(arguments[0] == self.fails)


def _up(monkeypatch: pytest.MonkeyPatch, *words: str, fails: str = "") -> tuple[int, list[tuple[str, ...]]]:
    recorded = Recorded(fails)
    monkeypatch.setattr(Workspace, "of", lambda spec, cluster=None: recorded)
    return CliRunner().invoke(app, ["up", "spec", *words]).exit_code, recorded.calls


def test_without_yes_pulumi_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _up(monkeypatch) == (0, [("up", *CONFIG)])
    assert _up(monkeypatch, "--refresh") == (0, [("up", "--refresh", *CONFIG)])


def test_with_yes_hosts_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    refreshed = ("refresh", "--yes", "--skip-preview", *CONFIG)
    assert _up(monkeypatch, "--yes", "--refresh") == (0, [refreshed, ("up", "--yes", *CONFIG)])


def test_what_can_not_be_looked_at_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    code, calls = _up(monkeypatch, "--yes", "--refresh", fails="refresh")
    assert (code, [call[0] for call in calls]) == (1, ["refresh"])


def test_a_preview_can_be_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _up(monkeypatch, "--skip-preview") == (0, [("up", "--yes", *CONFIG, "--skip-preview")])


def test_its_end_is_pulumis(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _up(monkeypatch, "--yes", fails="up")[0] == 1

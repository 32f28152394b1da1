"""What ``greenfield up`` asks of Pulumi."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from typer.testing import CliRunner

import greenfield.cli.up  # noqa: F401 (registers the commands)
from greenfield.cli.app import app
from greenfield.cli.workspace import Workspace
from greenfield.plan import EMPTY, Placement

CONFIG = ("--config", "greenfield:quarantine=")


@dataclass
class Recorded:
    """A workspace that keeps what it is asked; ``fails`` is the command that does."""

    fails: str = ""
    placement: Placement = EMPTY
    afterwards: Placement = EMPTY
    calls: list[tuple[str, ...]] = field(default_factory=list)
    looking: list[str] = field(default_factory=list)

    spec: str = "spec"
    cluster: str = "orders"
    digest: str = ""

    def settle(self, quarantine: list[str]) -> Placement:
        """What the record is then."""
        return replace(self.placement, leaving={}).without_leaving(set(quarantine))

    def prepare(self) -> None:
        """Nothing."""

    def go_on(self) -> None:
        """Nothing."""

    def pulumi(self, *arguments: str, check: bool = True, more: Mapping[str, str] | None = None) -> int:
        """Keep it, and whether an engine that does not answer is passed over."""
        assert not check
        self.calls.append(arguments)
        if (more or {}).get("PULUMI_K8S_SKIP_UPDATE_UNREACHABLE") == "true":
            self.looking.append(arguments[0])
        self.placement = self.afterwards
        return int(arguments[0] == self.fails)


def _up(
    monkeypatch: pytest.MonkeyPatch,
    *words: str,
    fails: str = "",
    placements: tuple[Placement, Placement] = (EMPTY, EMPTY),
) -> tuple[int, list[tuple[str, ...]]]:
    code, recorded = _run(monkeypatch, "up", "spec", *words, fails=fails, placements=placements)
    return code, recorded.calls


def _run(
    monkeypatch: pytest.MonkeyPatch,
    *words: str,
    fails: str = "",
    placements: tuple[Placement, Placement] = (EMPTY, EMPTY),
) -> tuple[int, Recorded]:
    recorded = Recorded(fails, *placements)
    monkeypatch.setattr(Workspace, "of", lambda spec, cluster=None: recorded)
    return CliRunner().invoke(app, list(words)).exit_code, recorded


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


def _placement(*hosts: str) -> Placement:
    return Placement({}, {"kv": {f"m{number}": host for number, host in enumerate(hosts)}}, {"kv": ("3.6",)})


SHRUNK = (_placement("h1", "h2"), _placement("h1"))


def test_what_has_left_is_closed_by_a_run_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a question, as it is part of the change that was agreed to."""
    code, calls = _up(monkeypatch, placements=SHRUNK)
    assert (code, calls) == (0, [("up", *CONFIG), ("up", "--yes", *CONFIG)])


@pytest.mark.parametrize("placements", [SHRUNK[::-1], (SHRUNK[0], SHRUNK[0])])
def test_where_nothing_leaves_one_run_is_all(
    monkeypatch: pytest.MonkeyPatch, placements: tuple[Placement, Placement]
) -> None:
    assert _up(monkeypatch, "--yes", placements=placements)[1] == [("up", "--yes", *CONFIG)]


def test_nothing_is_closed_after_a_run_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _up(monkeypatch, "--yes", fails="up", placements=SHRUNK) == (1, [("up", "--yes", *CONFIG)])


def test_nothing_is_closed_by_a_spec_that_was_changed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody agreed to what it says now."""
    recorded = Recorded("", *SHRUNK)
    seen = iter(["one", "other"])

    def of(spec: object, cluster: object = None) -> Recorded:
        recorded.digest, before = next(seen), replace(recorded)
        return recorded if before.calls == [] else before

    monkeypatch.setattr(Workspace, "of", of)
    found = CliRunner().invoke(app, ["up", "spec", "--yes"])
    assert found.exit_code == 0
    assert [call[0] for call in recorded.calls] == ["up"]
    assert "the spec was changed meanwhile" in found.output


def test_a_kubernetes_engine_that_does_not_answer_is_passed_over_only_where_nothing_is_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run that brings a cluster's hosts back begins with a look at all of them."""
    for words, looking in (
        (["up", "spec", "--yes"], []),
        (["up", "spec", "--yes", "--refresh"], ["refresh"]),
        (["up", "spec", "--refresh"], []),
        (["preview", "spec"], ["preview"]),
        (["preview", "spec", "--refresh"], ["preview"]),
    ):
        assert _run(monkeypatch, *words)[1].looking == looking


def test_the_run_that_closes_passes_over_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes hosts, as does the one before it."""
    _, recorded = _run(monkeypatch, "up", "spec", "--yes", placements=SHRUNK)
    assert [call[0] for call in recorded.calls] == ["up", "up"]
    assert recorded.looking == []

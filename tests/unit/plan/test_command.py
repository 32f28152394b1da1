"""``greenfield plan`` as users call it."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from deployed_stack import stack_of
from typer.testing import CliRunner, Result

from greenfield.cli.app import app
from greenfield.content import root
from greenfield.plan import make_plan
from greenfield.spec import load

CHANGES = "changes against what is deployed:"
EXAMPLE = root() / "examples" / "lab"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, without a record; of its site nothing was ever delivered from here."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    for name in ("site.yaml", "cluster.yaml", "hosts.csv"):
        shutil.copy(EXAMPLE / name, tmp_path)
    return tmp_path


def _run(*arguments: str, stdin: str | None = None) -> Result:
    importlib.import_module("greenfield.cli.plan")
    importlib.import_module("greenfield.cli.validate")
    return CliRunner().invoke(app, ["plan", *arguments], input=stdin)


def _state(spec: Path) -> dict[str, Any]:
    """The state of a stack whose hosts are what the spec asks for."""
    cluster, site = load([spec]).cluster()
    return stack_of(make_plan(site, cluster))


def test_table_tells_who_stands_where(spec: Path) -> None:
    result = _run(str(spec))
    assert result.exit_code == 0
    assert result.output.startswith("orders on lab: 9 hosts in 3 racks, 2 engines, 9 members\n")
    assert "survives: any 1 rack yes (config-store keeps 2 of 3, sessions keeps every shard)" in result.output


@pytest.mark.parametrize(("form", "start"), [("elevation", "r1  row A"), ("svg", "<svg "), ("json", "{\n")])
def test_other_forms(spec: Path, form: str, start: str) -> None:
    result = _run(str(spec), "--format", form)
    assert result.exit_code == 0
    assert result.output.startswith(start)


def test_record_is_written_once_and_kept_to(spec: Path) -> None:
    assert not (spec / "orders.placement.json").exists()
    assert "written" in _run(str(spec), "--record").output
    record = json.loads((spec / "orders.placement.json").read_text())
    members = record["engines"]["config-store"]
    members["member-1"], members["member-2"] = members["member-2"], members["member-1"]
    (spec / "orders.placement.json").write_text(json.dumps(record, indent=2) + "\n")
    assert "up to date" in _run(str(spec), "--record").output
    placed = json.loads(_run(str(spec), "--format", "json").stdout)["engines"]["config-store"]["members"]
    assert placed[0]["host"] == "r2-h1"


def test_what_is_in_the_way_is_told_with_its_place(spec: Path) -> None:
    cluster = spec / "cluster.yaml"
    cluster.write_text(cluster.read_text().replace("members: 3", "members: 5"))
    result = _run(str(spec))
    assert result.exit_code == 1
    assert "cluster.yaml:16:16" in result.output
    assert "5 members need 5 failure domains (racks)" in result.output


def test_quarantined_hosts_are_named(spec: Path) -> None:
    assert "quarantined, not touched: r2-h1" in _run(str(spec), "--quarantine", "r2-h1").output


def test_everything_is_new_where_nothing_was_delivered(spec: Path) -> None:
    assert f"{CHANGES} + 9 hosts, + 2 engines\n" in _run(str(spec)).output


def test_changes_against_the_state_of_greenfield_up(spec: Path) -> None:
    folder = spec / "state" / "greenfield" / "pulumi" / ".pulumi" / "stacks" / "greenfield"
    folder.mkdir(parents=True)
    state = _state(spec)
    (folder / "lab-orders.json").write_text(json.dumps({"version": 3, "checkpoint": {"latest": state}}))
    assert f"{CHANGES} none\n" in _run(str(spec)).output
    cluster = spec / "cluster.yaml"
    cluster.write_text(cluster.read_text().replace("memory: 256MiB", "memory: 320MiB"))
    said = _run(str(spec)).output
    assert f"{CHANGES} ~ 6 members, 6 restarts\n" in said
    assert "~ sessions-r1: r1-h2: memory: 256 MiB → 320 MiB (restart)" in said


def test_changes_against_a_stack_of_the_users_own(spec: Path) -> None:
    exported = json.dumps({"version": 3, "deployment": _state(spec)})
    (spec / "stack.json").write_text(exported)
    assert f"{CHANGES} none\n" in _run(str(spec), "--deployed", str(spec / "stack.json")).output
    assert f"{CHANGES} none\n" in _run(str(spec), "--deployed", "-", stdin=exported).output


def test_what_is_deployed_from_elsewhere_is_not_guessed(spec: Path) -> None:
    assert f"{CHANGES} + 9 hosts, + 2 engines\n" in _run(str(spec), "--record").output
    record = json.loads((spec / "orders.placement.json").read_text())
    record["versions"] = {"config-store": ["3.6"]}
    (spec / "orders.placement.json").write_text(json.dumps(record))
    said = _run(str(spec)).output
    assert CHANGES not in said
    assert "note: by the placement record engines are deployed" in said and "greenfield plan SPEC --deployed -" in said
    assert json.loads(_run(str(spec), "--format", "json").stdout)["changes"] is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "can't be read: No such file"),
        ("no", "is no JSON"),
        ("{}", "is not the state of a Pulumi"),
        ("[]", "is not the state"),
    ],
)
def test_other_files_are_refused(spec: Path, text: str | None, words: str) -> None:
    if text is not None:
        (spec / "stack.json").write_text(text)
    result = _run(str(spec), "--deployed", str(spec / "stack.json"))
    assert result.exit_code == 1
    assert words in str(result.exception) and "pulumi stack export" in str(result.exception)

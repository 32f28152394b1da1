"""``greenfield plan`` as users call it."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from greenfield.cli.app import app
from greenfield.content import root

EXAMPLE = root() / "examples" / "lab"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A copy of the example, without a record."""
    for name in ("site.yaml", "cluster.yaml", "hosts.csv"):
        shutil.copy(EXAMPLE / name, tmp_path)
    return tmp_path


def _run(*arguments: str) -> Result:
    importlib.import_module("greenfield.cli.plan")
    importlib.import_module("greenfield.cli.validate")
    return CliRunner().invoke(app, ["plan", *arguments])


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


def test_changes_against_a_snapshot(spec: Path) -> None:
    snapshot = spec / "deployed.json"
    snapshot.write_text("{}")
    assert (
        "changes against what is deployed: + 9 hosts, + 2 engines"
        in _run(str(spec), "--deployed", str(snapshot)).output
    )

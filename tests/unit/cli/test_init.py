"""``greenfield init``: what it writes is valid and can be planned, whatever the shape."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from greenfield.cli.app import app
from greenfield.content import schemas
from greenfield.errors import SpecError
from greenfield.plan import make_plan
from greenfield.spec import collect, load


def _run(*arguments: str) -> Result:
    for name in ("init", "schema"):
        importlib.import_module(f"greenfield.cli.{name}")
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize(
    ("racks", "hosts", "engines"), [(3, 3, 2), (3, 1, 1), (3, 2, 1), (5, 2, 2), (9, 1, 2), (4, 42, 2), (250, 20, 2)]
)
def test_every_shape_is_valid_and_plans(tmp_path: Path, racks: int, hosts: int, engines: int) -> None:
    folder = tmp_path / "berlin"
    result = _run("init", str(folder), "--site", "berlin1", "--racks", str(racks), "--hosts-per-rack", str(hosts))
    assert result.exit_code == 0, result.output
    loaded, problems, _ = collect([folder])
    assert problems == []
    assert loaded is not None
    cluster, site = loaded.cluster()
    assert (site.name, len(site.racks), len(site.hosts)) == ("berlin1", racks, racks * hosts)
    assert len(cluster.engines) == engines
    assert make_plan(site, cluster).members


def test_a_small_network_gives_racks_smaller_subnets(tmp_path: Path) -> None:
    assert _run("init", str(tmp_path / "s"), "--network", "192.168.8.0/24").exit_code == 0
    site = load([tmp_path / "s"]).sites["site1"]
    assert site.networks["hosts"].per_rack_prefix == 26
    assert site.hosts["r1-h1"].address == "192.168.8.75"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--network", "10.80.0.0/26"), "has no room for 3 racks of 3 hosts"),
        (("--network", "10.80.0.1/16"), "host bits set"),
        (("--site", "Berlin 1"), "is no name for a site"),
    ],
)
def test_what_cant_be_is_refused_and_nothing_is_written(tmp_path: Path, arguments: tuple[str, str], words: str) -> None:
    result = _run("init", str(tmp_path / "new"), *arguments)
    assert isinstance(result.exception, SpecError)
    assert words in result.exception.message
    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    result = _run("init", str(tmp_path))
    assert isinstance(result.exception, SpecError)
    assert "not empty" in result.exception.message
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_editor_finds_every_schema(tmp_path: Path) -> None:
    """The line on top of each spec file leads to a schema in the folder, and so does every reference in it."""
    _run("init", str(tmp_path / "s"))
    for name in ("site.yaml", "cluster.yaml"):
        line = (tmp_path / "s" / name).read_text().splitlines()[0]
        found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", line)
        assert found
        schema = tmp_path / "s" / found[1]
        for reference in re.findall(r'"\$ref": "([^"#]+)#?', schema.read_text()):
            assert (schema.parent / reference).is_file(), reference


def test_schemas_are_exported_anew_after_an_upgrade(tmp_path: Path) -> None:
    _run("init", str(tmp_path / "s"))
    copied = tmp_path / "s" / ".schemas" / "site.schema.json"
    copied.write_text("{}")
    assert _run("schema", "--export", str(copied.parent)).exit_code == 0
    assert json.loads(copied.read_text()) == json.loads((schemas() / "site.schema.json").read_text())


def test_the_program_has_ten_lines(tmp_path: Path) -> None:
    _run("init", str(tmp_path / "s"))
    assert len((tmp_path / "s" / "__main__.py").read_text().splitlines()) == 10

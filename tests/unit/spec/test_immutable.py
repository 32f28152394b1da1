"""What can't change once it stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from greenfield import spec
from greenfield.cli import validate
from greenfield.cli.app import app
from greenfield.spec.immutable import changed
from greenfield.spec.schema import follow, schemas

ROOT = Path(__file__).parents[3]
LAB = ROOT / "examples" / "lab"
COMMANDS = (validate,)
"""Registered by its import."""


def _changed(tmp_path: Path, file: str, before: str, after: str) -> list[tuple[str | int, ...]]:
    for name in ("site.yaml", "cluster.yaml", "hosts.csv"):
        text = (LAB / name).read_text()
        assert name != file or before in text
        (tmp_path / name).write_text(text.replace(before, after) if name == file else text)
    return [problem.path for problem in changed(spec.collect([LAB])[2], spec.collect([tmp_path])[2])]


@pytest.mark.parametrize(
    ("file", "before", "after", "path"),
    [
        (
            "cluster.yaml",
            "pool: control",
            "pool: data",
            ("Cluster", "orders", "spec", "engines", "config-store", "pool"),
        ),
        ("cluster.yaml", "kind: etcd", "kind: redis", ("Cluster", "orders", "spec", "engines", "config-store", "kind")),
        ("cluster.yaml", "site: lab", "site: other", ("Cluster", "orders", "spec", "site")),
        ("site.yaml", "lab.internal", "idc.internal", ("Site", "lab", "spec", "domain")),
        ("site.yaml", "10.77.0.0/16", "10.76.0.0/15", ("Site", "lab", "spec", "networks", "hosts", "cidr")),
    ],
)
def test_a_fixed_key_is_refused(tmp_path: Path, file: str, before: str, after: str, path: tuple[str, ...]) -> None:
    assert _changed(tmp_path, file, before, after) == [path]


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("cluster.yaml", "members: 3", "members: 5"),
        ("cluster.yaml", "shards: 3", "shards: 4"),
        ("cluster.yaml", "  sessions:", "  sessions-2:"),
        ("cluster.yaml", "name: orders", "name: billing"),
        ("site.yaml", "180W", "200W"),
        ("hosts.csv", "GF101", "GF999"),
    ],
)
def test_other_keys_may_change(tmp_path: Path, file: str, before: str, after: str) -> None:
    assert _changed(tmp_path, file, before, after) == []


def test_validate_refuses_it_with_the_way_to_do_it(tmp_path: Path) -> None:
    _changed(tmp_path, "cluster.yaml", "pool: control", "pool: data")
    said = CliRunner().invoke(app, ["validate", str(tmp_path), "--deployed", str(LAB)])
    assert said.exit_code == 1
    assert "can't change from control to data once it stands" in said.stdout
    assert "add an engine on the other pool, move the data, then remove this one" in said.stdout


def test_every_fixed_key_says_how_to_change_it() -> None:
    stack, fixed = list(schemas().values()), 0
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if node.get("x-immutable"):
                assert follow(node)["x-change"]
                fixed += 1
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    assert fixed >= 6


def _refused(tmp_path: Path, before: str, after: str) -> str:
    """What validation says of the example, delivered with ``before`` in its cluster and now with ``after``."""
    words = []
    for folder, text in (("delivered", before), ("now", after)):
        (tmp_path / folder).mkdir()
        for name in ("site.yaml", "cluster.yaml", "hosts.csv"):
            told = (LAB / name).read_text()
            assert name != "cluster.yaml" or before in told or after in told
            (tmp_path / folder / name).write_text(told.replace(before, text).replace(after, text))
        words.append(str(tmp_path / folder))
    said = CliRunner().invoke(app, ["validate", words[1], "--deployed", words[0]])
    assert said.exit_code == 1
    return said.stdout


def test_validate_refuses_a_version_that_can_not_be_reached_though_the_one_before_is_not_supported_any_more(
    tmp_path: Path,
) -> None:
    said = _refused(tmp_path, 'version: "3.7"', 'version: "3.6"')
    assert "3.7 is deployed and can't become 3.6" in said
    assert "restore a snapshot taken before the upgrade" in said


def test_validate_refuses_an_engine_that_was_delivered_and_is_left_out(tmp_path: Path) -> None:
    said = _refused(tmp_path, "  sessions:", "  sessions-2:")
    assert "sessions is deployed and not in the spec" in said
    assert "wipe: [sessions]" in said


def test_validate_says_of_a_delivered_spec_that_can_not_be_read_that_it_can_not(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    said = CliRunner().invoke(app, ["validate", str(LAB), "--deployed", str(tmp_path / "broken.yaml")])
    assert said.exit_code != 0
    assert "can't be read as a spec" in str(said.exception)

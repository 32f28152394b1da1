"""The standard and the suites belong together: every control has a test, and every test a control."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from spec_shape import write_spec

from greenfield import content
from greenfield.engines import ENGINES
from greenfield.model.standard import Standard
from greenfield.spec import load
from greenfield.verify.applicable import NEEDS

SUITES = sorted(content.acceptance().glob("test_*.py"))


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Standard:
    return load([write_spec(tmp_path_factory.mktemp("spec"))]).standards["idc-2026"]


def marks(path: Path) -> list[tuple[str, str, str]]:
    """Test name, control and engine kind of each test of a suite; both empty for a test without a control."""
    found = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            calls = [item for item in node.decorator_list if isinstance(item, ast.Call)]
            named = [call for call in calls if ast.unparse(call.func) == "pytest.mark.control"]
            control = ast.literal_eval(named[0].args[0]) if named else ""
            kind = next((ast.literal_eval(word.value) for call in named for word in call.keywords), "")
            found.append((node.name, control, kind))
    return found


ALL = [(path.stem, *mark) for path in SUITES for mark in marks(path)]


def test_there_are_suites() -> None:
    assert [path.stem for path in SUITES] == [
        "test_etcd",
        "test_host",
        "test_host_access",
        "test_host_network",
        "test_kubernetes",
        "test_kubernetes_hardening",
        "test_kubernetes_loss",
        "test_kubernetes_problems",
        "test_redis",
        "test_restore",
    ]


def test_every_control_has_one_test(standard: Standard) -> None:
    assert sorted(control for _, _, control, _ in ALL) == sorted(standard.controls)


@pytest.mark.parametrize(("suite", "test", "name", "kind"), ALL, ids=[entry[2] or entry[1] for entry in ALL])
def test_a_test_stands_in_the_suite_of_its_group(
    standard: Standard, suite: str, test: str, name: str, kind: str
) -> None:
    control = standard.controls[name]
    assert suite.removeprefix("test_").split("_")[0] == control.group, test
    assert control.scope == ("host" if control.group == "host" else "engine")
    assert (kind in ENGINES) == (control.group == "restore"), "a restore drill names its engine kind"


def test_every_need_of_a_test_is_known() -> None:
    named = {
        ast.literal_eval(node.args[0])
        for path in SUITES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.needs"
    }
    assert named == set(NEEDS)


def test_there_are_enough_controls(standard: Standard) -> None:
    assert len(standard.controls) >= 45


def test_every_control_says_where_it_comes_from(standard: Standard) -> None:
    for control in standard.controls.values():
        assert len(control.source) >= 8, control.id
        assert control.title[0].isupper() and not control.title.endswith("."), control.id


def test_every_threshold_is_used_by_the_tests(standard: Standard) -> None:
    text = "".join(path.read_text() for path in SUITES)
    named = {name for control in standard.controls.values() for name in control.thresholds}
    assert {name for name in named if f'thresholds["{name}"]' in text} == named

"""Each folder of tests/spec_cases holds a spec, and in expected.txt what validation says about it.

A folder is named for the rule it shows (``duplicate-mac``, ``quantity-no-unit``). After a change of words,
``GREENFIELD_WRITE=1 pytest tests/unit/spec/test_cases.py`` writes the files anew, for a person to read in the diff.
"""

from __future__ import annotations

import ast
import os
from datetime import date
from pathlib import Path

import pytest

from greenfield import engines, spec
from greenfield.artifacts.lock import load_lock
from greenfield.model.problem import Problem
from greenfield.spec import Sources, report
from greenfield.spec.check_images import image_problems
from greenfield.spec.rules import RULES

CASES = Path(__file__).parents[2] / "spec_cases"
STANDARDS = CASES / "standards"
NAMES = sorted(path.name for path in CASES.iterdir() if path.is_dir() and path != STANDARDS)
CLEAN = ("valid", "platform-valid", "yaml-anchors-are-fine", "yaml-sexagesimal-is-text", "clusters-apart-by-labels")
TODAY = date(2026, 11, 21)


def _collect(name: str) -> tuple[list[Problem], Sources]:
    """What validation finds; a folder with a lock of the mirror shows what is held against that."""
    _, problems, sources = spec.collect([CASES / name], standards=STANDARDS, today=TODAY)
    lock = load_lock(CASES / name)
    held = {image.name for image in lock.images} if lock else None
    for manifests in sources.manifests.values():
        problems += image_problems(manifests, held)
    return problems, sources


@pytest.mark.parametrize("name", NAMES)
def test_what_validation_says(name: str) -> None:
    folder = CASES / name
    problems, sources = _collect(name)
    said = report.text(report.locate(problems, sources, folder)).replace(str(folder), "CASE")
    golden = folder / "expected.txt"
    if os.environ.get("GREENFIELD_WRITE"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
    assert (not problems) == (name in CLEAN)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CLEAN])
def test_the_problem_has_the_rule_the_folder_is_named_for(name: str) -> None:
    problems, _ = _collect(name)
    rules = {problem.rule for problem in problems}
    assert rules <= set(RULES)
    assert name == "everything-at-once" or any(name == rule or name.startswith(f"{rule}-") for rule in rules)
    assert all(problem.fix for problem in problems)


def test_every_rule_has_a_case() -> None:
    shown = set()
    for name in NAMES:
        problems, _ = _collect(name)
        shown |= {problem.rule for problem in problems}
    assert shown | {"immutable"} == set(RULES)


def test_every_rule_in_the_code_is_described() -> None:
    """A rule is a constant of kebab-case words; those in the code that have a hyphen and name a rule are all known."""
    used = set()
    for package in (spec, engines):
        for path in Path(str(package.__file__)).parent.glob("*.py"):
            if path.name == "rules.py":
                continue
            constants = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
            used |= {value for value in constants if isinstance(value, str) and value in RULES}
    # Duplicates of host fields are named by the field.
    used |= {f"duplicate-{field}" for field in ("name", "address", "mac", "serial")} | {"unknown-rack"}
    used |= {"unknown-hardware"}
    assert used == set(RULES)

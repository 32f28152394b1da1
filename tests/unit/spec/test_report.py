"""Problems as text, JSON and SARIF, and the commands that print them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from greenfield import spec
from greenfield.cli import schema, validate
from greenfield.cli.app import app
from greenfield.errors import SpecError
from greenfield.spec import reference, report
from greenfield.spec.rules import RULES

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "spec_cases"
CASE = CASES / "everything-at-once"

COMMANDS = (validate, schema)
"""Registered by their import."""


def _located() -> list[report.Located]:
    _, problems, sources = spec.collect([CASE], standards=CASES / "standards")
    return report.locate(problems, sources, ROOT)


def test_text_has_place_words_and_fix() -> None:
    said = report.text(_located())
    assert (
        "tests/spec_cases/everything-at-once/hosts.csv:3:18 error    row r2-h1, serial\n"
        "    the serial S1 is also used by r1-h1 (hosts.csv:2)\n"
        "    fix: read it from the machine's label again\n"
    ) in said


def test_summary_counts() -> None:
    _, problems, sources = spec.collect([ROOT / "examples" / "lab"])
    assert report.summary(report.locate(problems, sources, ROOT), sources, 0.14) == (
        "0 errors, 0 warnings in 9 hosts, 2 engines (0.1 s)"
    )


def test_json_has_every_problem() -> None:
    found = _located()
    written = json.loads(report.as_json(found, None))
    assert written["valid"] is False
    assert len(written["problems"]) == len(found) > 8
    serial = next(problem for problem in written["problems"] if problem["rule"] == "duplicate-serial")
    assert (serial["line"], serial["column"], serial["path"]) == (3, 18, ["Site", "lab", "hosts", 1, "serial"])


def test_sarif_has_what_code_review_needs() -> None:
    found = _located()
    log = json.loads(report.sarif(found))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted({located.problem.rule for located in found})
    for result, located in zip(run["results"], found, strict=True):
        assert rules[result["ruleIndex"]] == result["ruleId"] == located.problem.rule
        assert result["level"] in ("error", "warning")
        place = result["locations"][0]["physicalLocation"]
        assert (ROOT / place["artifactLocation"]["uri"]).is_file()
        assert place["region"] == {"startLine": located.line, "startColumn": located.column}
    prints = [result["partialFingerprints"]["greenfield/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


def test_sarif_names_files_elsewhere_by_their_uri(tmp_path: Path) -> None:
    _, problems, sources = spec.collect([CASE], standards=CASES / "standards")
    log = json.loads(report.sarif(report.locate(problems, sources, tmp_path)))
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": (CASE / "broken.yaml").as_uri()}


def test_validate_accepts_the_lab() -> None:
    said = CliRunner().invoke(app, ["validate", str(ROOT / "examples" / "lab")])
    assert said.exit_code == 0, said.output
    assert said.output.startswith("0 errors, 0 warnings in 9 hosts, 2 engines (")


def test_validate_refuses_and_writes_where_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "out" / "validation.sarif"
    said = CliRunner().invoke(app, ["validate", str(CASE), "--format", "sarif", "--output", str(file)])
    assert said.exit_code == 1
    assert len(json.loads(file.read_text())["runs"][0]["results"]) > 8
    assert CliRunner().invoke(app, ["validate", str(CASE)]).exit_code == 1


def test_validate_judges_placement_too(tmp_path: Path) -> None:
    for file in (CASES / "valid").iterdir():
        text = file.read_text().replace("standard: tiny", "standard: idc-2026").replace("count: 2", "count: 9")
        (tmp_path / file.name).write_text(text)
    said = CliRunner().invoke(app, ["validate", str(tmp_path), "--format", "json"])
    assert said.exit_code == 1
    problems = json.loads(said.stdout)["problems"]
    assert "spec.nodePools.control.count" in [problem["where"] for problem in problems]
    assert {problem["rule"] for problem in problems}.isdisjoint(RULES)


def test_schema_prints_and_checks() -> None:
    said = CliRunner().invoke(app, ["schema", "cluster"])
    assert said.exit_code == 0
    assert said.stdout == reference.page("Cluster")
    assert CliRunner().invoke(app, ["schema", "--check"]).exit_code == 0
    refused = CliRunner().invoke(app, ["schema", "clutser"])
    assert isinstance(refused.exception, SpecError)


def test_schema_check_fails_on_drift(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "spec.md").write_text("old")
    monkeypatch.setattr("greenfield.content.root", lambda: tmp_path)
    monkeypatch.setattr(reference, "page", lambda: "new")
    assert isinstance(CliRunner().invoke(app, ["schema", "--check"]).exception, SpecError)
    assert CliRunner().invoke(app, ["schema", "--write"]).exit_code == 0
    assert (tmp_path / "docs" / "spec.md").read_text() == "new"

"""``greenfield verify`` as people call it, as far as it goes without hosts."""

from __future__ import annotations

from pathlib import Path

import pytest
from results_shape import IDENTITY, check, run
from spec_shape import write_spec
from typer.testing import CliRunner

from greenfield.cli import controls, verify  # noqa: F401  # registers them
from greenfield.cli.app import app
from greenfield.report.signing_key import key_path
from greenfield.report.statement import sign
from greenfield.verify import runner
from greenfield.verify.results import RunResult


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path)


def greenfield(*words: str) -> tuple[int, str]:
    # Two commands are registered, so that their names are part of the line.
    done = CliRunner().invoke(app, ["verify", *words])
    return done.exit_code, done.output


def recorded(monkeypatch: pytest.MonkeyPatch, result: RunResult) -> None:
    """Let a recorded result stand for the run on hosts."""
    monkeypatch.setattr(runner, "run", lambda request, on_progress: result)


@pytest.mark.parametrize(("outcome", "code", "word"), [("passed", 0, "ACCEPTED"), ("failed", 1, "NOT ACCEPTED")])
def test_verdict_and_exit_code(spec: Path, monkeypatch: pytest.MonkeyPatch, outcome: str, code: int, word: str) -> None:
    recorded(monkeypatch, run(check(outcome), identity=IDENTITY))
    found, text = greenfield(str(spec), "--output", str(spec / "out"))
    assert found == code
    assert f"\n{word}  1 check" in text


def test_a_run_leaves_report_junit_json_and_statement(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(monkeypatch, run(check(), identity=IDENTITY))
    greenfield(str(spec), "--output", str(spec / "out"))
    names = {path.name for path in (spec / "out").iterdir()}
    assert names == {"orders.html", "orders.xml", "orders.json", "orders.intoto.json"}


def test_the_statement_can_be_checked(spec: Path) -> None:
    statement = spec / "orders.intoto.json"
    statement.write_bytes(sign(run(check()), b"", key_path(spec)))
    code, text = greenfield(str(spec), "--check-statement", str(statement))
    assert code == 0 and "signed by the site's key: lab/orders was accepted (PASSED)" in text
    statement.write_text(statement.read_text().replace('"sig": "', '"sig": "00'))
    assert greenfield(str(spec), "--check-statement", str(statement))[0] == 2


def test_a_wrong_spec_can_not_be_judged(spec: Path) -> None:
    (spec / "cluster.yaml").write_text((spec / "cluster.yaml").read_text().replace("count: 3", "count: three"))
    code, text = greenfield(str(spec))
    assert code == 2 and "cluster.yaml" in text and "error:" in text


def test_a_selection_of_nothing_can_not_be_judged(spec: Path) -> None:
    code, text = greenfield(str(spec), "--only", "HOST-0O1")
    assert code == 2 and 'did you mean "HOST-001"?' in text


def test_secrets_that_others_may_read_are_refused(spec: Path) -> None:
    secrets = spec / "secrets.json"
    secrets.write_text("{}")
    secrets.chmod(0o644)
    code, text = greenfield(str(spec), "--secrets", str(secrets))
    assert code == 2 and "may be read by others" in text

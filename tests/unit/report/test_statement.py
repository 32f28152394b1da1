"""The signed statement: what it binds, who may read the key, and what a forger gets."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from results_shape import IDENTITY, VALID, check, run

from greenfield.errors import VerifyError
from greenfield.report.signing_key import key_path, public_path
from greenfield.report.statement import sign, statement, verify

ACCEPTED = run(check(), check("failed", waiver=VALID, target="r1-h2"))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return key_path(tmp_path)


@pytest.fixture
def signed(tmp_path: Path, key: Path) -> Path:
    path = tmp_path / "orders.intoto.json"
    path.write_bytes(sign(ACCEPTED, b"{}", key))
    return path


def test_a_signed_statement_verifies_with_the_key_beside_the_spec(signed: Path, key: Path) -> None:
    found = verify(signed, public_path(key))
    assert (found.name, found.spec_digest, found.result, found.verdict) == (
        "lab/orders",
        "ab" * 32,
        "PASSED",
        "accepted",
    )
    assert (found.failed, found.waived) == (0, 1)


def test_the_key_is_made_once_and_is_the_owners_alone(signed: Path, key: Path) -> None:
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    sign(ACCEPTED, b"{}", key)
    assert key.read_bytes() == before
    assert b"PRIVATE" not in public_path(key).read_bytes()


def test_a_key_that_others_may_read_is_refused(signed: Path, key: Path) -> None:
    key.chmod(0o644)
    with pytest.raises(VerifyError, match="may be read by others"):
        sign(ACCEPTED, b"{}", key)


def test_a_changed_statement_is_refused(signed: Path, key: Path) -> None:
    envelope = json.loads(signed.read_text())
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["subject"][0]["digest"]["sha256"] = "00" * 32
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    signed.write_text(json.dumps(envelope))
    with pytest.raises(VerifyError, match="was not signed with"):
        verify(signed, public_path(key))


def test_another_sites_key_is_refused(signed: Path, tmp_path: Path) -> None:
    other = key_path(tmp_path / "other")
    sign(ACCEPTED, b"{}", other)
    with pytest.raises(VerifyError, match="was not signed with"):
        verify(signed, public_path(other))


def test_what_is_no_statement_is_refused(tmp_path: Path, signed: Path, key: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html>")
    with pytest.raises(VerifyError, match="no signed statement"):
        verify(path, public_path(key))


def test_the_statement_is_an_in_toto_test_result() -> None:
    document = statement(ACCEPTED, b"results")
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert document["subject"][1]["digest"]["sha256"] == hashlib.sha256(b"results").hexdigest()
    predicate = document["predicate"]
    assert (predicate["passedTests"], predicate["warnedTests"]) == (["HOST-001/r1-h1"], ["HOST-001/r1-h2"])
    assert predicate["annotations"]["waivers"][0]["owner"] == "platform"


def test_what_does_not_apply_is_among_no_tests_but_named() -> None:
    aside = check("inapplicable", target="r1-h2", message="the spec gives k8s no workers")
    predicate = statement(run(check(), aside), b"{}")["predicate"]
    assert predicate["result"] == "PASSED"
    assert predicate["passedTests"] == ["HOST-001/r1-h1"]
    assert predicate["annotations"]["notApplicable"] == [
        {"control": "HOST-001", "target": "r1-h2", "reason": "the spec gives k8s no workers"}
    ]


@pytest.mark.parametrize(
    ("outcome", "selection", "result"),
    [
        ("passed", (), "PASSED"),
        ("failed", (), "FAILED"),
        ("error", (), "FAILED"),
        ("passed", ("host",), "WARNED"),
        ("failed", ("host",), "FAILED"),
    ],
)
def test_only_a_whole_accepted_run_is_passed(outcome: str, selection: tuple[str, ...], result: str) -> None:
    judged = run(check(outcome), identity=replace(IDENTITY, selection=selection))
    assert statement(judged, b"")["predicate"]["result"] == result

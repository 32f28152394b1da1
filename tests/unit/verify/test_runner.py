"""Whole runs on suites that touch no host: what a pass, a fail, a crash, a skip and a gap come to."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from local_ssh import stand_in
from results_shape import PROBE
from spec_shape import write_spec

from greenfield.errors import VerifyError
from greenfield.verify.availability_records import AvailabilityRecords
from greenfield.verify.lock import hold
from greenfield.verify.results import RunResult
from greenfield.verify.runner import Progress, Request, run

CONFTEST = 'pytest_plugins = ("greenfield.verify.plugin",)\n'
HEAD = "import pytest\nfrom greenfield.errors import VerifyError\n\n"
TEST = '@pytest.mark.control("{control}")\n{marks}def test_{name}(target{fixtures}):\n    {body}\n\n'
WHOLE = {"HOST-001": "assert target", "HOST-002": "assert target", "ETCD-001": "assert target == 'kv'"}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks of tests lie apart from those of real runs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def judge(
    tmp_path: Path,
    bodies: dict[str, str],
    *,
    waivers: str = "",
    only: tuple[str, ...] = (),
    needs: dict[str, str] | None = None,
) -> RunResult:
    """Run suites whose tests have the given bodies, by control, and need what ``needs`` says."""
    suites, spec = tmp_path / "suites", tmp_path / "spec"
    suites.mkdir()
    spec.mkdir()
    (suites / "conftest.py").write_text(CONFTEST)
    tests = [
        TEST.format(
            control=control,
            marks=f'@pytest.mark.needs("{needs[control]}")\n' if needs and control in needs else "",
            name=f"claim_{place}",
            body=body,
            fixtures=", control, measured, remark",
        )
        for place, (control, body) in enumerate(bodies.items())
    ]
    (suites / "test_claims.py").write_text(HEAD + "".join(tests))
    seen: list[Progress] = []
    result = run(Request(write_spec(spec, waivers), tmp_path / "out", only=only, suites=suites), seen.append)
    assert [item.done for item in seen] == list(range(1, len(seen) + 1))
    return result


def waive(control: str, until: date) -> str:
    return f"  waivers: [{{control: {control}, owner: me, reason: because it is a test, until: {until}}}]\n"


def test_all_passed_is_accepted(tmp_path: Path) -> None:
    result = judge(tmp_path, WHOLE)
    assert (result.exit_code, len(result.checks)) == (0, 7)
    assert result.identity.cluster == "tiny" and len(result.identity.spec_digest) == 64


def test_a_control_that_does_not_apply_is_not_run_and_no_pass(tmp_path: Path) -> None:
    result = judge(tmp_path, {**WHOLE, "ETCD-001": "raise RuntimeError"}, needs={"ETCD-001": "workers"})
    assert (result.exit_code, result.count("passed"), result.count("inapplicable")) == (0, 6, 1)
    (found,) = result.inapplicable
    assert (found.target, found.message) == ("kv", "the spec gives kv no workers")
    assert not found.evidence


def test_a_control_that_applies_is_run_whatever_it_needs(tmp_path: Path) -> None:
    result = judge(tmp_path, {**WHOLE, "ETCD-001": "assert False, 'it ran'"}, needs={"ETCD-001": "another-member"})
    assert [check.message for check in result.checks if check.outcome == "failed"] == ["it ran"]


def test_a_need_that_nobody_knows_judges_nothing(tmp_path: Path) -> None:
    with pytest.raises(VerifyError):
        judge(tmp_path, WHOLE, needs={"ETCD-001": "luck"})


def test_when_nothing_applies_nothing_is_accepted(tmp_path: Path) -> None:
    result = judge(tmp_path, WHOLE, only=("etcd",), needs={"ETCD-001": "workers"})
    assert (result.exit_code, result.verdict) == (2, "not judged")


def test_a_failed_claim_is_not_accepted_and_says_why(tmp_path: Path) -> None:
    result = judge(tmp_path, {**WHOLE, "HOST-001": "assert target != 'r2-h1', 'r2-h1 is wrong'"})
    assert result.exit_code == 1
    (failed,) = [check for check in result.checks if check.outcome == "failed"]
    assert (failed.control, failed.target, failed.message) == ("HOST-001", "r2-h1", "r2-h1 is wrong")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("raise VerifyError('r1-h1 does not answer')", "r1-h1 does not answer"),
        ("pytest.skip('no runtime here')", "skipped without being judged"),
        ("pytest.xfail('known')", "known"),
    ],
)
def test_what_crashed_or_was_skipped_is_not_judged(tmp_path: Path, body: str, words: str) -> None:
    result = judge(tmp_path, {**WHOLE, "ETCD-001": body})
    assert (result.verdict, result.exit_code) == ("not judged", 2)
    (check,) = [check for check in result.checks if check.control == "ETCD-001"]
    assert check.outcome == "error" and words in check.message


def test_a_control_without_a_test_is_not_judged(tmp_path: Path) -> None:
    result = judge(tmp_path, {name: body for name, body in WHOLE.items() if name != "HOST-002"})
    assert result.exit_code == 2
    missing = [check for check in result.checks if check.outcome == "error"]
    assert {check.control for check in missing} == {"HOST-002"} and len(missing) == 3


def test_no_check_at_all_is_not_judged(tmp_path: Path) -> None:
    assert judge(tmp_path, {}).exit_code == 2


def test_a_waiver_covers_a_failure_until_it_expires(tmp_path: Path) -> None:
    tomorrow = date.today() + timedelta(days=1)
    result = judge(tmp_path, {**WHOLE, "ETCD-001": "assert False, 'known'"}, waivers=waive("ETCD-001", tomorrow))
    assert (result.exit_code, [check.control for check in result.waived]) == (0, ["ETCD-001"])
    assert result.waived[0].waiver.owner == "me"


def test_a_test_of_no_control_of_the_standard_is_left_out(tmp_path: Path) -> None:
    assert judge(tmp_path, {**WHOLE, "ETCD-099": "assert False"}).exit_code == 0


def test_only_narrows_and_is_part_of_the_identity(tmp_path: Path) -> None:
    result = judge(tmp_path, WHOLE, only=("HOST-001", "r1-h1"))
    assert [(check.control, check.target) for check in result.checks] == [("HOST-001", "r1-h1")]
    assert result.identity.selection == ("HOST-001", "r1-h1")


def test_figures_and_remarks_become_part_of_the_result(tmp_path: Path) -> None:
    body = "measured('offset_seconds', 0.25); remark('recorded, shared kernel'); assert control.thresholds['most'] == 3"
    result = judge(tmp_path, {**WHOLE, "HOST-002": body})
    check = next(check for check in result.checks if check.control == "HOST-002")
    assert (check.figures, check.note) == ({"offset_seconds": 0.25}, "recorded, shared kernel")
    assert result.exit_code == 0


def test_a_run_that_dies_leaves_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match="ended without results"):
        judge(tmp_path, {**WHOLE, "HOST-001": "import os; os._exit(9)"})


LOOKAHEAD = """
import pytest

@pytest.mark.reads_only
@pytest.mark.control("HOST-001")
def test_reads(judged_host, acceptance, target):
    assert judged_host.check_output("echo $ADDRESS") == acceptance.subject.addresses[target]

@pytest.mark.control("ETCD-001")
def test_changes(engine):
    engine.members[0].on.check_output("echo $ADDRESS >> {folder}/changed")

@pytest.mark.reads_only
@pytest.mark.control("HOST-002")
def test_reads_more(judged_host):
    assert judged_host.check_output("echo more") == "more"
"""


def test_reading_runs_ahead_and_changing_reaches_one_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch)
    suites, spec = tmp_path / "suites", tmp_path / "spec"
    for folder in (suites, spec):
        folder.mkdir()
    (suites / "conftest.py").write_text(CONFTEST)
    (suites / "test_claims.py").write_text(LOOKAHEAD.replace("{folder}", str(tmp_path)))
    result = run(Request(write_spec(spec), tmp_path / "out", suites=suites))
    assert result.exit_code == 0
    ahead = {(check.control, check.target): any(item.ahead for item in check.evidence) for check in result.checks}
    assert [ahead["HOST-001", host] for host in ("r1-h1", "r2-h1", "r3-h1")] == [False, True, True]
    assert (tmp_path / "changed").read_text() == "10.99.1.11\n", "a change on one host was sent to others"
    assert len((tmp_path / "calls").read_text().splitlines()) == 3, "one connection a host"


def test_a_second_run_is_refused_in_words(tmp_path: Path) -> None:
    with hold("tiny", "tiny"), pytest.raises(VerifyError, match=r"could not begin(.|\n)*another acceptance of tiny"):
        judge(tmp_path, WHOLE)


def test_a_suite_that_can_not_be_imported_is_told(tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match="SyntaxError"):
        judge(tmp_path, {"HOST-001": "assert ("})


def test_a_spec_that_is_wrong_is_an_error_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(VerifyError, match=r"could not begin(.|\n)*no such file"):
        run(Request(tmp_path / "nowhere", tmp_path / "out"))


def test_what_probes_saw_goes_with_the_results(tmp_path: Path) -> None:
    records = AvailabilityRecords("tiny", "tiny")
    records.hold("shop").close()
    records.write(PROBE)
    assert judge(tmp_path, WHOLE).probes == (PROBE,)


def test_a_probe_whose_record_is_broken_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    records = AvailabilityRecords("tiny", "tiny")
    records.hold("shop").close()
    records.path("shop").write_text("{")
    with pytest.raises(VerifyError, match=r"could not begin(.|\n)*shop\.json: is no record(.|\n)*--forget shop"):
        judge(tmp_path, WHOLE)

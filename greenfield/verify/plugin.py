"""The pytest plugin that turns suites into an acceptance run: ``pytest tests/acceptance --cluster SPEC``.

A test is marked with the control it proves and takes ``host`` or ``engine``; the plan decides on which hosts and
engines it runs. What a test runs on hosts is kept as evidence. A skip or a crash is an error unless the cluster waives
the control, and a control that the standard names but no test has judged is an error too.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import testinfra.host

from greenfield.errors import GreenfieldError, VerifyError
from greenfield.model.cluster import Cluster
from greenfield.model.standard import Control
from greenfield.plan import HostPlan, Plan
from greenfield.verify.acceptance import Acceptance
from greenfield.verify.applicable import lacking
from greenfield.verify.engine import EngineUnderTest
from greenfield.verify.subject import Subject, read_secrets

ACCEPTANCE = pytest.StashKey[Acceptance]()
CONTROL = pytest.StashKey[tuple[Control, str]]()
NO_TARGET = "no-target"
BROKEN = (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.INTERRUPTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of an acceptance run."""
    group = parser.getgroup("greenfield", "Greenfield acceptance")
    group.addoption("--cluster", metavar="SPEC", help="folder or file of the spec to judge")
    group.addoption("--cluster-name", metavar="NAME", help="which cluster, when the spec has several")
    group.addoption("--only", action="append", default=[], metavar="WORD", help="a group, control, host or engine")
    group.addoption("--secrets", metavar="FILE", help="JSON file (mode 0600) of secrets that must not become evidence")
    group.addoption("--backend", choices=("greenfield", "ssh"), default="greenfield", help="how hosts are reached")
    group.addoption("--results", metavar="FILE", help="write results as JSON")
    group.addoption("--progress-fd", type=int, metavar="FD", help="write one JSON line for each finished check")


def pytest_configure(config: pytest.Config) -> None:
    """Load what is to be judged; a wrong spec stops here."""
    config.addinivalue_line("markers", "control(id, kind=''): the control that the test proves")
    config.addinivalue_line("markers", "needs(word): what the plan must have for the control to apply")
    config.addinivalue_line("markers", "reads_only: the test changes nothing, so its commands may run ahead")
    spec = config.getoption("--cluster")
    if not spec:
        return
    try:
        subject = Subject.of(Path(spec), config.getoption("--cluster-name"))
        acceptance = Acceptance(subject, config.getoption("--only"), config.getoption("--backend"))
        if secrets := config.getoption("--secrets"):
            acceptance.use_secrets(read_secrets(Path(secrets)))
    except GreenfieldError as error:
        raise pytest.UsageError(str(error)) from error
    acceptance.progress_fd = config.getoption("--progress-fd")
    config.stash[ACCEPTANCE] = acceptance


def pytest_sessionstart(session: pytest.Session) -> None:
    """Suites of acceptance are nothing without a spec."""
    if ACCEPTANCE not in session.config.stash:
        raise pytest.UsageError("name the spec to judge: pytest tests/acceptance --cluster SPEC")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its hosts or engines."""
    marker = metafunc.definition.get_closest_marker("control")
    if marker is None or "target" not in metafunc.fixturenames:
        return
    acceptance = metafunc.config.stash[ACCEPTANCE]
    names = acceptance.targets(marker.args[0], marker.kwargs.get("kind", ""))
    metafunc.parametrize("target", names or [NO_TARGET])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what nobody asked for, and let one host's checks go first so that the others can work ahead."""
    acceptance = config.stash.get(ACCEPTANCE, None)
    if acceptance is None:
        return
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        marker = item.get_closest_marker("control")
        target = item.callspec.params.get("target") if hasattr(item, "callspec") else None
        if marker is None or target in (None, NO_TARGET):
            dropped.append(item)
            continue
        control = acceptance.subject.standard.controls[marker.args[0]]
        item.stash[CONTROL] = (control, str(target))
        (kept if (control, str(target)) in acceptance.selection else dropped).append(item)
    config.hook.pytest_deselected(items=dropped)
    if config.getoption("--collect-only"):
        items[:] = kept
        return
    acceptance.expect([item.stash[CONTROL] for item in kept])
    kept = [item for item in kept if not _set_aside(item, acceptance)]
    if any(item.get_closest_marker("reads_only") is None for item in kept):
        try:
            acceptance.hold()
        except VerifyError as error:
            raise pytest.UsageError(str(error)) from error
    scout = acceptance.scout() if any(item.get_closest_marker("reads_only") for item in kept) else ""
    # Stable: within each part the order of the suites stays.
    items[:] = sorted(kept, key=lambda item: _turn(item, scout))


def _set_aside(item: pytest.Item, acceptance: Acceptance) -> bool:
    """Put a check on record whose control does not apply to its target, instead of running it."""
    marker, (control, target) = item.get_closest_marker("needs"), item.stash[CONTROL]
    why = lacking(acceptance.subject.plan, target, marker.args[0]) if marker else ""
    if why:
        acceptance.set_aside(control, target, why)
    return bool(why)


def _turn(item: pytest.Item, scout: str) -> int:
    if item.get_closest_marker("reads_only") is None:
        return 2
    return 0 if item.stash[CONTROL][1] == scout else 1


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin a check with an empty record."""
    if CONTROL in item.stash:
        control, target = item.stash[CONTROL]
        reads_only = item.get_closest_marker("reads_only") is not None
        item.config.stash[ACCEPTANCE].begin(control, target, reads_only=reads_only)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the check; make skips red and waived failures skips, for those who read pytest's own summary."""
    report = yield
    acceptance = item.config.stash.get(ACCEPTANCE, None)
    if acceptance is None or CONTROL not in item.stash:
        return report
    acceptance.saw(report.when or "", call.excinfo.value if call.excinfo else None, report.duration)
    if report.when == "teardown":
        acceptance.finish()
    elif report.outcome != "passed":
        waiver = acceptance.waiver()
        if waiver is not None and not waiver.expired:
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"waived until {waiver.until} by {waiver.owner}: {waiver.reason}")
        elif report.skipped:
            report.outcome = "failed"
            report.longrepr = f"skipped without being judged: {report.longreprtext}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close connections, write results, and let the exit code say accepted (0), not accepted (1) or not judged (2)."""
    acceptance = session.config.stash.get(ACCEPTANCE, None)
    if acceptance is None or session.config.getoption("--collect-only"):
        return
    acceptance.close()
    if not acceptance.has_begun and session.exitstatus in BROKEN:
        return  # pytest says why: a wrong option, another run, a suite that can't be imported
    result = acceptance.result()
    if path := session.config.getoption("--results"):
        Path(path).write_text(json.dumps(result.to_json(), indent=1))
    session.exitstatus = result.exit_code


@pytest.fixture(scope="session")
def acceptance(pytestconfig: pytest.Config) -> Acceptance:
    """The run itself."""
    return pytestconfig.stash[ACCEPTANCE]


@pytest.fixture
def plan(acceptance: Acceptance) -> Plan:
    """The plan that the hosts are judged by."""
    return acceptance.subject.plan


@pytest.fixture
def cluster(acceptance: Acceptance) -> Cluster:
    """The cluster of the spec."""
    return acceptance.subject.cluster


@pytest.fixture
def control(request: pytest.FixtureRequest) -> Control:
    """The control that the test proves, with its thresholds."""
    control, _ = request.node.stash[CONTROL]
    assert isinstance(control, Control)
    return control


@pytest.fixture
def planned(acceptance: Acceptance, target: str) -> HostPlan:
    """The host's plan."""
    return acceptance.subject.plan.hosts[target]


@pytest.fixture
def desired(acceptance: Acceptance, target: str) -> Any:
    """What the roles of the host layer were told of this host."""
    return acceptance.subject.desired[target]


@pytest.fixture
def reach(acceptance: Acceptance) -> Any:
    """Any host of the cluster by name, as testinfra's host."""
    return acceptance.host


@pytest.fixture
def judged_host(acceptance: Acceptance, target: str) -> testinfra.host.Host:
    """The host under test."""
    return acceptance.host(target)


@pytest.fixture
def engine(acceptance: Acceptance, target: str) -> Iterator[EngineUnderTest]:
    """The engine under test."""
    if target not in acceptance.subject.cluster.engines:
        raise VerifyError(f"there is no engine {target} in cluster {acceptance.subject.cluster.name}")
    yield EngineUnderTest.of(acceptance, target)


@pytest.fixture
def measured(acceptance: Acceptance) -> Any:
    """Puts a figure on record: ``measured("recovery_seconds", 0.9)``."""
    return acceptance.recorder.figure


@pytest.fixture
def remark(acceptance: Acceptance) -> Any:
    """Tells the reader something of the evidence: ``remark("recorded, shared kernel")``."""
    return acceptance.recorder.note

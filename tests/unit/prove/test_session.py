"""A session of pytest tells what became of each module, also of those that it had no time for."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from prove.session import Plan, Session

GOOD = "def test_a(record_property):\n    record_property('gap_seconds', 1.5)\n\ndef test_b(): pass\n"
BAD = "import os\n\ndef test_good(): pass\n\ndef test_bad():\n    assert 1 == 2, 'so it is'\n"
TEARDOWN = (
    "import pytest\n\n@pytest.fixture\ndef x():\n    yield\n    raise ValueError('left')\n\ndef test_c(x): pass\n"
)
SKIPPED = "import pytest\n\ndef test_d(): pytest." + "skip('no')\n"


def _run(folder: Path, texts: dict[str, str], plan: Plan | None = None) -> Session:
    modules = []
    for name, text in texts.items():
        (folder / name).write_text(text)
        modules.append(str(folder / name))
    session = Session(modules, plan or Plan(), folder / "log")
    session.wait(60)
    return session


def _by_name(session: Session) -> dict[str, object]:
    return {Path(module).name: outcome for module, outcome in session.outcomes().items()}


def test_modules_are_told_apart(tmp_path: Path) -> None:
    session = _run(
        tmp_path, {"test_good.py": GOOD, "test_bad.py": BAD, "test_td.py": TEARDOWN, "test_skip.py": SKIPPED}
    )
    found = _by_name(session)
    assert session.code == 1
    assert {name: outcome.good for name, outcome in found.items()} == {
        "test_good.py": True,
        "test_bad.py": False,
        "test_td.py": False,
        "test_skip.py": False,
    }
    assert found["test_good.py"].figures == {"gap_seconds": 1.5}
    assert len(found["test_good.py"].passed) == 2
    assert [test.rpartition("::")[2] for test in found["test_bad.py"].failed] == ["test_bad"]
    assert "so it is" in found["test_bad.py"].why
    assert found["test_td.py"].passed == []
    session.close()


def test_a_module_that_can_not_end_in_time_is_left_out_and_the_rest_runs(tmp_path: Path) -> None:
    until = dict.fromkeys(("test_late.py", "test_fine.py"), time.time() + 50)
    expected = {"test_late.py": 1000.0, "test_fine.py": 1.0}
    session = _run(tmp_path, {"test_late.py": GOOD, "test_fine.py": GOOD}, Plan(until, expected))
    found = _by_name(session)
    assert found["test_late.py"].left
    assert not found["test_late.py"].good
    assert found["test_late.py"].passed == []
    assert found["test_fine.py"].good
    session.close()


def test_a_crash_fails_the_module_that_it_came_in(tmp_path: Path) -> None:
    crash = "import os\n\ndef test_crash(): os._exit(7)\n"
    found = _by_name(_run(tmp_path, {"test_good.py": GOOD, "test_crash.py": crash, "test_later.py": GOOD}))
    assert {name: bool(outcome.failed) for name, outcome in found.items()} == {
        "test_good.py": False,
        "test_crash.py": True,
    }


def test_a_crash_that_looks_like_an_end_in_order_fails_the_module_all_the_same(tmp_path: Path) -> None:
    """Half of it has passed, and a module before it has failed, so that the exit code is the usual one."""
    crash = "import os\n\ndef test_half(): pass\n\ndef test_crash(): os._exit(1)\n"
    found = _by_name(_run(tmp_path, {"test_bad.py": BAD, "test_crash.py": crash}))
    assert not found["test_crash.py"].good


def test_a_test_that_is_skipped_fails_no_other_module(tmp_path: Path) -> None:
    found = _by_name(_run(tmp_path, {"test_skip.py": SKIPPED, "test_good.py": GOOD}))
    assert not found["test_skip.py"].good
    assert found["test_good.py"].good


def test_an_error_of_the_session_fails_the_module_that_it_came_after(tmp_path: Path) -> None:
    text = (
        "import pytest\n\n@pytest.fixture(scope='session', autouse=True)\ndef x():\n    yield\n    assert 0, 'left'\n\n"
    )
    found = _by_name(_run(tmp_path, {"test_left.py": text + GOOD}))
    assert found["test_left.py"].failed


def test_a_module_that_can_not_be_collected_failed(tmp_path: Path) -> None:
    session = _run(tmp_path, {"test_broken.py": "import nothing_of_this_name\n"})
    assert session.code == 2
    assert _by_name(session)["test_broken.py"].failed
    session.close()


def test_an_interrupted_session_tells_only_what_ended_before(tmp_path: Path) -> None:
    (tmp_path / "test_long.py").write_text("import time\n\ndef test_long():\n    time.sleep(600)\n")
    (tmp_path / "test_done.py").write_text(GOOD)
    modules = [str(tmp_path / "test_done.py"), str(tmp_path / "test_long.py")]
    session = Session(modules, Plan(), tmp_path / "log")
    deadline = time.monotonic() + 60
    while not any("test_long" in line.get("begun", "") for line in session.lines()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    session.interrupt()
    assert not session.running()
    assert session.code in (2, -signal.SIGINT)
    assert list(_by_name(session)) == ["test_done.py"]
    assert _by_name(session)["test_done.py"].good
    session.close()


@pytest.mark.parametrize("slowness", [1.0, 3.0])
def test_patience_is_a_multiple_of_the_machines_speed(tmp_path: Path, slowness: float) -> None:
    text = (
        "import os, pytest\n\n@pytest.mark.timeout(100)\ndef test_a(request):\n"
        f"    assert float(os.environ['GREENFIELD_SLOWNESS']) == {slowness}\n"
        f"    assert request.node.get_closest_marker('timeout').args[0] == 100 * {slowness}\n"
    )
    session = _run(tmp_path, {"test_patience.py": text}, Plan(slowness=slowness))
    assert _by_name(session)["test_patience.py"].good, (tmp_path / "log").read_text()
    session.close()

"""What a node tells of itself, without a node."""

import importlib.util
from importlib.machinery import SourceFileLoader

import pytest

from greenfield import content

PATH = content.roles() / "kubernetes/templates/node/usr/local/lib/greenfield/node-problems"


@pytest.fixture
def problems():
    loader = SourceFileLoader("node_problems", str(PATH))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("node_problems", loader))
    loader.exec_module(module)
    return module


def test_restarts_are_counted_within_the_window(problems):
    samples, total = [], 0
    for minute, count in enumerate([0, 1, 3, 3, 5]):
        samples, total = problems.counted(samples, 60.0 * minute, count)
    assert total == 5
    samples, total = problems.counted(samples, 60.0 * 3 + problems.WINDOW_SECONDS, 5)
    assert (len(samples), total) == (2, 0)


def test_a_count_that_began_anew_is_no_negative_one(problems):
    samples, _ = problems.counted([], 0.0, 7)
    assert problems.counted(samples, 60.0, 2)[1] == 2


def test_a_folder_that_takes_no_file_is_a_problem(problems, tmp_path):
    assert problems.unwritable([tmp_path]) == ""
    assert problems.unwritable([tmp_path, "/proc"]).startswith("/proc: ")
    assert not list(tmp_path.iterdir())


def test_conditions_keep_the_time_of_their_last_change(problems, monkeypatch):
    asked = []

    def ask(settings, method, path, body=None):
        asked.append((method, path, body))
        old = {"type": "NTPProblem", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        return {"status": {"conditions": [old]}}

    monkeypatch.setattr(problems, "ask", ask)
    fine = problems.condition("NTPProblem", "", "NTPIsUp", "NTPIsDown")
    bad = problems.condition("ReadonlyFilesystem", "/data: Read-only file system", "Fine", "FilesystemIsReadOnly")
    problems.tell({"node": "r1-h1"}, [fine, bad], 0.0)
    (_, (method, path, body)) = asked
    assert (method, path) == ("PATCH", "/api/v1/nodes/r1-h1/status")
    told = {item["type"]: item for item in body["status"]["conditions"]}
    assert told["NTPProblem"]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert told["ReadonlyFilesystem"]["lastTransitionTime"] == "1970-01-01T00:00:00Z"
    assert (told["ReadonlyFilesystem"]["status"], told["NTPProblem"]["reason"]) == ("True", "NTPIsUp")

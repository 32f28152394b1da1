"""What the module containers reads from ctr, and what it refuses; that it works is proved by the role scenario."""

from __future__ import annotations

import sys

import pytest

from greenfield import content

sys.path.insert(0, str(content.collections()))

from ansible_collections.greenfield.host.plugins.modules.containers import last_words, tasks_of


def test_tasks_are_read_from_the_table():
    text = "TASK      PID     STATUS    \none       1234    RUNNING\ntwo       0       STOPPED\n"
    assert tasks_of(text) == {"one": "RUNNING", "two": "STOPPED"}
    assert tasks_of("TASK    PID    STATUS    \n") == {}


def test_an_error_is_its_last_line():
    text = "time=now level=info msg=trying\nctr: failed to resolve reference: not found\n\n"
    assert last_words(text) == "failed to resolve reference: not found"
    assert last_words("\n") == "it said nothing"


@pytest.mark.parametrize("root", ["", "/", "/var", "/var/lib/../lib/containerd", "relative/path"])
def test_only_a_plain_folder_is_emptied(module, root):
    answer = module("containers", state="wiped", root=root)
    assert answer["failed"]
    assert "refusing to empty" in answer["msg"]


def test_a_folder_is_emptied_and_stays(module, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    assert module("containers", check=True, state="wiped", root=str(tmp_path))["changed"]
    assert len(list(tmp_path.iterdir())) == 3
    assert module("containers", state="wiped", root=str(tmp_path))["changed"]
    assert list(tmp_path.iterdir()) == []
    assert not module("containers", state="wiped", root=str(tmp_path))["changed"]


def test_check_mode_runs_nothing(module):
    assert not module("containers", check=True, state="working", image="registry.example/none:1")["changed"]

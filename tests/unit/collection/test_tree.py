"""greenfield.host.tree brings files to what a task says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path, owner):
    """Makes an entry of ``files`` below the scratch folder."""
    return lambda name, content, **more: {"path": str(tmp_path / "etc" / name), "content": content, **owner, **more}


def names(folder: Path) -> list[str]:
    """What is in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def test_files_are_made_with_their_modes_and_a_second_run_changes_nothing(module, file, tmp_path):
    files = [file("a.conf", "a\n", mode="0640"), file("deep/b.conf", "b\n")]
    first = module("tree", files=files)
    assert first["changed_paths"] == [entry["path"] for entry in files]
    assert (tmp_path / "etc/a.conf").read_text() == "a\n"
    assert (tmp_path / "etc/a.conf").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "etc/deep/b.conf").stat().st_mode & 0o777 == 0o644
    again = module("tree", files=files)
    assert (again["changed"], again["changed_paths"]) == (False, [])


def test_only_what_differs_is_replaced(module, file, tmp_path):
    module("tree", files=[file("a", "1"), file("b", "1")])
    kept = (tmp_path / "etc/a").stat()
    answer = module("tree", files=[file("a", "1"), file("b", "2")])
    assert answer["changed_paths"] == [str(tmp_path / "etc/b")]
    left = (tmp_path / "etc/a").stat()
    assert (left.st_ino, left.st_mtime_ns, left.st_ctime_ns) == (kept.st_ino, kept.st_mtime_ns, kept.st_ctime_ns)


def test_check_mode_tells_and_touches_nothing(module, file, tmp_path):
    answer = module("tree", check=True, files=[file("a", "1")], directories=[{"path": str(tmp_path / "d")}])
    assert sorted(answer["changed_paths"]) == [str(tmp_path / "d"), str(tmp_path / "etc/a")]
    assert [path.name for path in tmp_path.iterdir() if path.name in ("etc", "d")] == []


def test_check_mode_says_when_a_host_carries_nothing(module, tmp_path, owner):
    folders = [{"path": str(tmp_path / "d"), "sign": True, **owner}, {"path": str(tmp_path / "other"), **owner}]
    assert module("tree", check=True, directories=folders)["ansible_facts"] == {"greenfield_result": {"lost": True}}
    assert "ansible_facts" not in module("tree", directories=folders)
    (tmp_path / "other").rmdir()
    assert "ansible_facts" not in module("tree", check=True, directories=folders)


def test_when_one_file_is_invalid_none_is_replaced(module, file, tmp_path):
    module("tree", files=[file("a", "old"), file("b", "old")])
    answer = module("tree", files=[file("a", "new"), file("b", "bad", validate="grep good %s")])
    assert answer["failed"]
    assert str(tmp_path / "etc/b") in answer["msg"]
    assert (tmp_path / "etc/a").read_text() == "old"
    assert names(tmp_path / "etc") == ["a", "b"]


def test_check_mode_validates_too(module, file):
    assert module("tree", check=True, files=[file("b", "bad", validate="grep good %s")])["failed"]
    assert not module("tree", check=True, files=[file("b", "bad", validate="no-such-program %s")]).get("failed")


def test_a_link_in_a_files_place_is_replaced_and_its_target_left(module, file, tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "etc/a").symlink_to(tmp_path / "precious")
    module("tree", files=[file("a", "new")])
    assert (tmp_path / "precious").read_text() == "kept"
    assert not (tmp_path / "etc/a").is_symlink()


def test_the_diff_shows_changes_but_not_what_others_may_not_read(module, file):
    files = [file("open", "seen\n"), file("closed", "hidden\n", mode="0600")]
    answer = module("tree", diff=True, check=True, files=files)
    assert "seen\n" in [entry["after"] for entry in answer["diff"]]
    assert "hidden" not in str(answer)


def test_contents_do_not_come_back(module, file):
    assert "s3cret" not in str(module("tree", files=[file("a", "s3cret")]))


def test_strangers_leave_an_exclusive_folder(module, file, tmp_path, owner):
    module("tree", files=[file("d/ours", "1"), file("d/sub/ours", "1"), file("d/stranger", "1"), file("d/old/x", "1")])
    folder = {"path": str(tmp_path / "etc/d"), "purge": True, **owner}
    answer = module("tree", directories=[folder], files=[file("d/ours", "1"), file("d/sub/ours", "1")])
    assert names(tmp_path / "etc/d") == ["ours", "sub"]
    assert answer["changed_paths"] == [str(tmp_path / "etc/d/old"), str(tmp_path / "etc/d/stranger")]


def test_absent_removes_files_and_folders(module, file, tmp_path):
    module("tree", files=[file("a", "1"), file("d/b", "1")])
    gone = [str(tmp_path / "etc/a"), str(tmp_path / "etc/d"), str(tmp_path / "etc/never")]
    assert module("tree", absent=gone)["changed_paths"] == gone[:2]
    assert names(tmp_path / "etc") == []


@pytest.mark.parametrize("path", ["/", "/etc", "relative/path", "/etc/../etc/passwd", "//etc//passwd"])
def test_removing_what_no_role_can_mean_is_refused(module, path):
    assert "refusing to remove" in module("tree", check=True, absent=[path])["msg"]


def test_attributes_of_existing_files_alone(module, file, tmp_path, owner):
    module("tree", files=[file("a", "1", mode="0666")])
    entries = [{"path": str(tmp_path / f"etc/{name}"), "mode": "0600", **owner} for name in ("a", "absent")]
    assert module("tree", existing=entries)["changed_paths"] == [str(tmp_path / "etc/a")]
    assert (tmp_path / "etc/a").read_text() == "1"
    assert not (tmp_path / "etc/absent").exists()


def test_a_derived_file_is_made_anew_when_its_source_is_newer(module, file, tmp_path):
    made = tmp_path / "made"
    command = f"cp {tmp_path}/etc/source {made}"
    derived = [{"path": str(made), "source": str(tmp_path / "etc/source"), "command": command}]
    assert str(made) in module("tree", files=[file("source", "1")], derived=derived)["changed_paths"]
    assert not module("tree", files=[file("source", "1")], derived=derived)["changed"]
    # As after a run that was killed before the command: the source is in place, the result is old.
    module("tree", files=[file("source", "2")])
    assert module("tree", files=[file("source", "2")], derived=derived)["changed_paths"] == [str(made)]
    assert made.read_text() == "2"


def test_an_unknown_owner_is_told_before_anything_is_written(module, file, tmp_path):
    answer = module("tree", files=[file("a", "1"), {**file("b", "1"), "owner": "no-such-user"}])
    assert "no user no-such-user" in answer["msg"]
    assert not (tmp_path / "etc").exists()


def test_a_mode_that_is_no_mode_is_refused(module, file):
    assert "not octal" in module("tree", files=[file("a", "1", mode="rw")])["msg"]


def test_a_folder_in_a_files_place_is_left(module, file, tmp_path):
    (tmp_path / "etc/a").mkdir(parents=True)
    assert "is a directory" in module("tree", files=[file("a", "1")])["msg"]
    assert Path(tmp_path / "etc/a").is_dir()

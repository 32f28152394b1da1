"""A digest changes with what a file says to a machine, and with nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from prove import digest as digests
from prove.digest import digest, event_digest, harness
from prove.event import Event, Seat, discover
from prove.places import files_of, kinds_of

SAME = [
    ("a.py", "x = 1\n", '"""Says."""\n# why\nx = 1\n"""What it is."""\n'),
    ("a.py", "def f():\n    return 1\n", 'def f():\n    """Says."""\n    return 1  # why\n'),
    ("a.yaml", "a: 1\nb: [x]\n", "# why\na: 1\nb:\n  - x\n"),
    ("a.json", '{"a": 1}', '{\n "a": 1}\n'),
    ("a.j2", "listen {{ port }}\n", "listen{# why #} {{ port }}\n"),
    ("README.md", "one", "other"),
]
OTHER = [
    ("a.py", "x = 1\n", "x = 2\n"),
    ("a.yaml", "a: 1\n", "a: 2\n"),
    ("a.yaml", "a: !vault x\n", "a: !vault y\n"),
    ("a.json", '{"a": 1}', '{"a": "1"}'),
    ("a.j2", "listen {{ port }}\n", "listen {{ other }}\n"),
    ("a.service", "# why\n", "# other\n"),
]


def _digest(folder: Path, name: str, text: str) -> str:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return digest([file], folder)


@pytest.mark.parametrize(("name", "one", "other"), SAME)
def test_comments_docstrings_and_prose_do_not_count(tmp_path: Path, name: str, one: str, other: str) -> None:
    assert _digest(tmp_path / "1", name, one) == _digest(tmp_path / "2", name, other)


@pytest.mark.parametrize(("name", "one", "other"), OTHER)
def test_what_it_does_counts(tmp_path: Path, name: str, one: str, other: str) -> None:
    assert _digest(tmp_path / "1", name, one) != _digest(tmp_path / "2", name, other)


def test_a_name_counts(tmp_path: Path) -> None:
    assert _digest(tmp_path / "1", "a.py", "x = 1\n") != _digest(tmp_path / "2", "b.py", "x = 1\n")


def test_the_harness_is_what_a_test_imports_and_the_fixtures_above_it(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    for name, text in {
        "e2e/conftest.py": "import delivery\n",
        "e2e/delivery.py": "from example import x\n",
        "e2e/example.py": "x = 1\n",
        "e2e/unused.py": "",
        "e2e/lab/conftest.py": "",
        "e2e/lab/test_a.py": "from greenfield import x\n",
        "e2e/lab/test_b.py": "",
        "unit/delivery.py": "",
    }.items():
        (tests / name).parent.mkdir(parents=True, exist_ok=True)
        (tests / name).write_text(text)
    found = {path.relative_to(tests).as_posix() for path in harness(tests / "e2e/lab/test_a.py", tmp_path)}
    assert found == {
        "e2e/lab/test_a.py",
        "e2e/lab/conftest.py",
        "e2e/conftest.py",
        "e2e/delivery.py",
        "e2e/example.py",
    }


def test_modules_of_a_role_are_places_of_its_kind_with_what_they_import() -> None:
    names = {path.name for path in files_of("etcd")}
    assert {"etcd_membership.py", "etcd_client.py", "tree.py", "files.py", "etcd.schema.json", "etcd-upkeep"} <= names
    assert not {"redis_cluster.py", "redis_wire.py", "kubeadm.py"} & names


def test_a_file_is_told_its_kinds() -> None:
    assert kinds_of("roles/redis/tasks/main.yml") == ["redis"]
    assert kinds_of("roles/kubernetes/tasks/main.yml") == ["kubernetes", "kubernetes-workers"]
    assert kinds_of("greenfield/plan/build.py") == []


def test_what_a_seat_delivers_counts(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "examples").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text("")
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
    (tmp_path / ".gitignore").write_text("*.lock\n")
    place = tmp_path / "examples" / "cluster.yaml"
    found = set()
    for text in ("members: 3", "members: 3  # of three", "members: 5"):
        place.write_text(text)
        (tmp_path / "examples" / "made.lock").write_text(text)
        digests.meaning.cache_clear()
        event = Event("tests/test_x.py", ("goals/x",), Seat("tests", reads=("examples",)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(digests, "files_of", lambda kind, root: set())
            patch.setattr(digests, "entries_of", lambda kind, root: "")
            found.add(event_digest(event, "goals/x", tmp_path))
    assert len(found) == 2


def test_digests_of_one_event_differ_by_kind() -> None:
    event = next(each for each in discover() if len(each.proves) > 1)
    assert len({event_digest(event, name) for name in event.proves}) == len({n.split("/")[0] for n in event.proves})

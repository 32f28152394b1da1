"""Events are told by constants of their modules, and chosen by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from prove.event import ProveError, by_seat, choose, discover


def _write(root: Path, name: str, text: str) -> None:
    file = root / "tests" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _write(tmp_path, "e2e/lab/conftest.py", 'SEAT = {"engines": {"etcd": "3.6"}, "tools": ["x"], "setup_seconds": 9}\n')
    _write(tmp_path, "e2e/lab/test_lose.py", 'PROVES = ("etcd/lose", "host/lose")\nORDER = 40\n')
    _write(tmp_path, "e2e/lab/test_deliver.py", 'PROVES = ("etcd/deliver",)\nORDER = 20\nFIXED = True\n')
    _write(tmp_path, "mirror/test_sync.py", 'PROVES = ("mirror/sync",)\n')
    _write(tmp_path, "unit/test_plain.py", "def test_x(): pass\n")
    return tmp_path


def test_modules_that_prove_something_are_events_in_the_order_of_their_seat(root: Path) -> None:
    found = discover(root)
    assert [event.module for event in found] == [
        "tests/e2e/lab/test_deliver.py",
        "tests/e2e/lab/test_lose.py",
        "tests/mirror/test_sync.py",
    ]
    assert [event.fixed for event in found] == [True, False, False]
    assert found[1].seat.engines == {"etcd": "3.6"}
    assert found[1].seat.tools == ("x",)
    assert found[2].seat.setup_seconds == 0
    assert list(by_seat(reversed(found))) == ["tests/mirror", "tests/e2e/lab"]
    assert [event.order for event in by_seat(reversed(found))["tests/e2e/lab"]] == [20, 40]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("etcd", 2),
        ("etcd/lose", 1),
        ("host", 1),
        ("tests/e2e/lab", 2),
        ("e2e/lab/", 2),
        ("tests/mirror/test_sync.py", 1),
    ],
)
def test_an_event_is_chosen_by_any_of_its_names(root: Path, name: str, count: int) -> None:
    assert len(choose(discover(root), [name])) == count


def test_all_are_chosen_without_a_name(root: Path) -> None:
    assert len(choose(discover(root), [])) == 3


def test_a_name_that_fits_nothing_is_refused_with_the_kinds(root: Path) -> None:
    with pytest.raises(ProveError) as refused:
        choose(discover(root), ["etcd", "etdc"])
    assert "etdc" in str(refused.value)
    assert "etcd, host, mirror" in refused.value.fix


def test_two_modules_can_not_prove_the_same(root: Path) -> None:
    _write(root, "roles/test_etcd.py", 'PROVES = ("etcd/lose",)\n')
    with pytest.raises(ProveError, match="etcd/lose is proved by"):
        discover(root)


@pytest.mark.parametrize("text", ['PROVES = "etcd/lose"', "PROVES = ()", 'PROVES = ("lose",)', "PROVES = (NAME,)"])
def test_what_it_proves_has_a_form(root: Path, text: str) -> None:
    _write(root, "roles/test_bad.py", f"{text}\n")
    with pytest.raises(ProveError):
        discover(root)


def test_a_seat_says_only_what_seats_have(root: Path) -> None:
    _write(root, "mirror/conftest.py", 'SEAT = {"colour": "red"}\n')
    with pytest.raises(ProveError, match="colour"):
        discover(root)


def test_events_of_this_project_have_places_for_their_kinds() -> None:
    from prove.places import files_of

    for event in discover():
        for name in event.proves:
            assert files_of(name.split("/")[0])

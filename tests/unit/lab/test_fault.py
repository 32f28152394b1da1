"""The list of faults, the names of things, and the disks' identities."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_site import TWO

from greenfield.errors import LabError
from greenfield.lab.disk import disk_link
from greenfield.lab.fault import Fault, FaultBook
from greenfield.lab.lock import held, locked
from greenfield.lab.names import INTERFACE_NAME_LIMIT, Names, interface


def test_a_fault_is_noted_once_and_survives_the_process(tmp_path: Path) -> None:
    book = FaultBook(tmp_path / "faults.json")
    assert book.all() == []
    book.add("cut", "r1", "rack")
    again = book.add("cut", "r1", "rack")
    other = book.add("delay", "a", "5 ms")
    assert FaultBook(tmp_path / "faults.json").all() == [again, other]
    assert book.find("delay", "a") == other
    assert str(other) == "delay a (5 ms)"
    book.remove([again.id])
    assert book.all() == [Fault(other.id, "delay", "a", "5 ms")]


def test_interface_names_fit_and_stay_apart() -> None:
    assert interface("p-r1-h1") == "p-r1-h1"
    long = [interface(f"p-some-very-long-host-name-{n}") for n in range(100)]
    assert max(map(len, long)) <= INTERFACE_NAME_LIMIT
    assert len(set(long)) == 100


def test_names_of_machines_fit() -> None:
    assert Names("lab").machine("r1-h1") == "greenfield-lab-r1-h1"
    assert len(Names("s" * 60).machine("h" * 60)) <= 64


def test_disks_are_named_after_serial_and_host() -> None:
    assert disk_link("wwn-{serial}-{host}", TWO["a"]) == "wwn-S-a-a"
    with pytest.raises(LabError, match=r"can't be filled for host a(?s:.*)only \{serial\} and \{host\}"):
        disk_link("{rack}", TWO["a"])


def test_one_command_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENFIELD_LAB_DIR", str(tmp_path))
    names = Names("lab")
    with pytest.raises(LabError, match="without its lock"):
        held()
    with locked(names):
        assert held() > 2
        with (
            pytest.raises(LabError, match=r"lab lab is being changed by process \d+"),
            locked(names, deadline_seconds=0),
        ):
            pass
    with locked(names, deadline_seconds=0):
        names.state.mkdir()
    assert names.state.with_name("lab.lock").exists()

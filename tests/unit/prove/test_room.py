"""What a run has too little of is named with what is there, what is needed, and what to do."""

from __future__ import annotations

import pytest

from prove.room import Room, Watch, missing, now

PLENTY = Room(100.0, 0.5, 20.0, 120)


def test_enough_is_nothing_to_tell() -> None:
    assert missing(PLENTY, memory_gib=9, inotify=110) == []


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (Room(5.0, 0.5, 20.0, 120), "disk: 5 GiB (50%) are free, and 12 GiB"),
        (Room(50.0, 0.04, 20.0, 120), "disk: 50 GiB (4%) are free"),
        (Room(100.0, 0.5, 3.0, 120), "memory: 3.0 GiB are available, and 9 GiB are needed"),
        (Room(100.0, 0.5, 20.0, 60), "inotify: 60 of"),
    ],
)
def test_each_shortage_is_named(room: Room, words: str) -> None:
    (told,) = missing(room, memory_gib=9, inotify=110)
    assert told.startswith(words)


def test_all_of_them_are_told_at_once() -> None:
    assert len(missing(Room(1.0, 0.01, 1.0, 1), memory_gib=9, inotify=110)) == 3


def test_this_machine_is_read() -> None:
    found = now()
    assert found.disk_gib > 0
    assert 0 < found.disk_share <= 1
    assert found.memory_gib > 0


def test_a_disk_that_was_full_in_between_is_known_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch()
    watch.stop()
    monkeypatch.setattr(watch, "_least", PLENTY)
    assert watch.shortage() == ""
    monkeypatch.setattr(watch, "_least", Room(3.0, 0.02, 20.0, 0))
    assert "disk was full meanwhile (3.0 GiB, 2.0% free" in watch.shortage()
    monkeypatch.setattr(watch, "_least", Room(100.0, 0.5, 0.1, 0))
    assert "short of memory" in watch.shortage()

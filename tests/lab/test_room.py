"""Instances of inotify are counted by taking all that are left for a moment, so never beside hosts that start."""

from pathlib import Path

from bench.room import free, limit

PROVES = ("lab/room",)
ORDER = 80


def test_counting_takes_nothing_away():
    assert 0 <= free() <= limit()
    # Linked files only: the descriptor that lists the folder is gone when it is looked at.
    held = {str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()}
    assert "anon_inode:inotify" not in held

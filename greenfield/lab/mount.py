"""Mounts of the machine below a folder, and the safe way to remove a folder that may hold some."""

from __future__ import annotations

import shutil
from pathlib import Path

from greenfield.errors import LabError
from greenfield.lab.command import attempt


def mounts_below(folder: Path) -> list[Path]:
    """Mount points at or below a folder, innermost first."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = Path(line.split()[4].encode().decode("unicode_escape"))
        if point.is_relative_to(folder):
            found.append(point)
    return found[::-1]


def unmount_below(folder: Path) -> None:
    """Unmount everything at or below a folder; what is busy goes as soon as nobody uses it any more."""
    for point in mounts_below(folder):
        if attempt(["umount", str(point)]).returncode != 0:
            attempt(["umount", "--lazy", str(point)])
    if left := mounts_below(folder):
        raise LabError(f"can't unmount {left[0]}", fix=f"see who uses it: fuser -vm {left[0]}")


def remove_folder(folder: Path) -> None:
    """Remove a folder with all in it, after unmounting, so that nothing outside is ever touched."""
    if folder.exists():
        unmount_below(folder)
        shutil.rmtree(folder)

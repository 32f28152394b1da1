"""A host's data disks: sparse files behind loop devices."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from greenfield.errors import LabError
from greenfield.lab.command import run
from greenfield.model.site import Host, Site


@dataclass(frozen=True, slots=True)
class LabDisk:
    """A disk of a host: ``image`` is the sparse file, ``link`` its name under /dev/disk/by-id in the host."""

    name: str
    image: Path
    size_bytes: int
    link: str

    def device(self) -> str | None:
        """The loop device that stands for it now, e.g. ``/dev/loop3``, or None."""
        return _loops().get(str(self.image))

    def attach(self) -> str:
        """Make the file if it is missing and give it a loop device; returns the device."""
        if (device := self.device()) is not None:
            return device
        self.image.parent.mkdir(parents=True, exist_ok=True)
        if not self.image.exists():
            with self.image.open("xb") as file:
                file.truncate(self.size_bytes)
        return run(["losetup", "--find", "--show", str(self.image)]).strip()

    def detach(self) -> None:
        """Give the loop device back; nothing may have it mounted any more."""
        if (device := self.device()) is not None:
            run(["losetup", "--detach", device])


def disks_of(site: Site, host: Host, folder: Path) -> list[LabDisk]:
    """The disks that a host's hardware class gives it, kept in ``folder``."""
    return [
        LabDisk(disk.name, folder / f"{disk.name}.img", disk.size_bytes, disk_link(disk.by_id, host))
        for disk in site.hardware[host.hardware].disks.values()
    ]


def disk_link(pattern: str, host: Host) -> str:
    """The stable identity of a disk on a host.

    Raises:
        LabError: the pattern uses another field than ``{serial}`` and ``{host}``.
    """
    try:
        return pattern.format(serial=host.serial, host=host.name)
    except (KeyError, IndexError, ValueError) as error:
        raise LabError(
            f"byId pattern {pattern!r} can't be filled for host {host.name}: {error}",
            fix="use only {serial} and {host} in it",
        ) from error


def detach_below(folder: Path) -> None:
    """Give back every loop device whose file lies (or lay) below a folder."""
    for image, device in _loops().items():
        if Path(image.removesuffix(" (deleted)")).is_relative_to(folder):
            with contextlib.suppress(FileNotFoundError):
                run(["losetup", "--detach", device])


def _loops() -> dict[str, str]:
    listing = run(["losetup", "--json", "--list", "--output", "NAME,BACK-FILE"])
    if not listing.strip():
        return {}
    return {loop["back-file"]: loop["name"] for loop in json.loads(listing)["loopdevices"] if loop["back-file"]}

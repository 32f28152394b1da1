"""Network namespaces and the links in them."""

from __future__ import annotations

import ctypes
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greenfield.errors import LabError
from greenfield.lab.command import attempt, run

PLACE = Path("/run/netns")
MNT_DETACH = 2


@dataclass(frozen=True, slots=True)
class Namespace:
    """A named network namespace; the empty name is the machine's own."""

    name: str

    @property
    def path(self) -> Path:
        """The file that holds the namespace."""
        return PLACE / self.name

    def exists(self) -> bool:
        """Whether it is whole: a file with a namespace mounted on it."""
        return self.path.exists() and self.path.stat().st_dev != PLACE.stat().st_dev

    def ensure(self) -> None:
        """Make it, with loopback up; a half-made one is made anew."""
        if not self.exists():
            self.path.unlink(missing_ok=True)
            run(["ip", "netns", "add", self.name])
        self.ip("link", "set", "lo", "up")

    def remove(self) -> None:
        """Take the name away, with or without a namespace on it. Processes inside must have ended."""
        libc = ctypes.CDLL(None, use_errno=True)
        while self.exists():
            if libc.umount2(os.fsencode(self.path), MNT_DETACH) != 0:
                raise LabError(f"namespace {self.name} can't be removed: {os.strerror(ctypes.get_errno())}")
        self.path.unlink(missing_ok=True)

    def argv(self, *argv: str) -> list[str]:
        """The command that runs ``argv`` inside, in the machine's own mounts."""
        return ["nsenter", f"--net={self.path}", *argv] if self.name else list(argv)

    def ip(self, *argv: str) -> str:
        """Run ``ip`` inside and return what it printed."""
        return run(["ip", *(("-n", self.name) if self.name else ()), *argv])

    def links(self) -> dict[str, dict[str, Any]]:
        """Links inside by name, as ``ip -json -details address`` gives them."""
        return {link["ifname"]: link for link in json.loads(self.ip("-json", "-details", "address") or "[]") if link}

    def has_link(self, name: str) -> bool:
        """Whether there is a link of this name."""
        return attempt(["ip", *(("-n", self.name) if self.name else ()), "link", "show", name]).returncode == 0

    def delete_link(self, name: str) -> None:
        """Delete a link (and with it its other end) if it is there."""
        if self.has_link(name):
            self.ip("link", "delete", name)

    def sysctl(self, key: str, value: str) -> None:
        """Set a setting under /proc/sys/net inside; refuses the machine's own namespace."""
        if not self.name:
            raise LabError(f"{key} of the machine itself is not the lab's to change")
        run(self.argv("sh", "-c", f"echo {value} > /proc/sys/{key.replace('.', '/')}"))

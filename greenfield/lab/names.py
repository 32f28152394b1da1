"""What the lab's things are called and where they lie. Everything is keyed by the site's name."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

INTERFACE_NAME_LIMIT = 15
"""Longest name the kernel gives a network interface."""


def interface(name: str) -> str:
    """``name`` if the kernel takes it as an interface name, else its start and a digest of it."""
    if len(name) <= INTERFACE_NAME_LIMIT:
        return name
    return f"{name[:8]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one site's lab."""

    site: str

    @property
    def state(self) -> Path:
        """Folder with all that the lab keeps on disk (``GREENFIELD_LAB_DIR`` moves the folder of all labs)."""
        base = os.environ.get("GREENFIELD_LAB_DIR") or "/var/lib/greenfield/lab"
        return Path(base).resolve() / self.site

    def host_dir(self, host: str) -> Path:
        """Folder of one host: overlay, disks, log."""
        return self.state / "hosts" / host

    @property
    def services_dir(self) -> Path:
        """Folder of the mirror's and the time server's configuration and logs."""
        return self.state / "services"

    def namespace(self, what: str) -> str:
        """Network namespace of a host, of ``services`` or of ``spine``."""
        return f"greenfield-{self.site}-{what}"

    def machine(self, host: str) -> str:
        """Name of a host's container among those of the machine (which allows 64 characters)."""
        name = self.namespace(host)
        return name if len(name) <= 64 else f"greenfield-{hashlib.sha256(name.encode()).hexdigest()[:20]}"

    @property
    def cgroup(self) -> str:
        """The cgroup, below each controller, that holds every process of the lab."""
        return f"greenfield-{self.site}"

    @property
    def uplink(self) -> str:
        """The workstation's end of its one link into the lab."""
        return f"gf-{hashlib.sha256(self.site.encode()).hexdigest()[:10]}"

"""What a user of the wheel has: a folder with a spec and a program, the environment that runs it, and a lab."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from example import REPO
from patience import patience

from greenfield.lab.lab import Lab

sys.path.insert(0, str(REPO / "tests" / "wheel"))

from installed import Installed, installed, wheel, write_program

__all__ = ["NETWORK", "SITE", "Installed", "Program", "installed", "wheel", "write_program"]

SITE, NETWORK = "wheel", 81


@dataclass(frozen=True, slots=True)
class Program:
    """A folder with a spec and the ten lines, the environment that runs them, and the lab under them."""

    installed: Installed
    folder: Path
    lab: Lab

    def run(self, *command: str, **environment: str) -> str:
        """Run a command in the folder; it must succeed."""
        mirror = str(self.folder.parent / "mirror")
        more = {"GREENFIELD_MIRROR_DIR": mirror, **environment}
        result = self.installed.run(*command, folder=self.folder, timeout=patience(600), **more)
        assert result.returncode == 0, result.stdout[-6000:]
        return result.stdout

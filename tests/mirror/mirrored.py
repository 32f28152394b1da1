"""A site with a mirror of its own, as its operator sees it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

GREENFIELD = str(Path(sys.executable).with_name("greenfield"))


@dataclass(frozen=True)
class Site:
    """A spec folder with its mirror."""

    spec: Path
    folder: Path
    environment: dict[str, str]

    def greenfield(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line against this mirror."""
        command = [GREENFIELD, *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=600, check=False)

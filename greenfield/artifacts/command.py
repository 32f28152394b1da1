"""Running one of the workstation's own programs to its end."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from greenfield.errors import ArtifactError

PACKAGE_OF = {"apt-ftparchive": "apt-utils", "gpgconf": "gnupg", "gpg": "gnupg", "apt-get": "apt", "go": "golang"}
"""Debian package that has a program, where the names differ."""


def run(command: Sequence[str], *, check: bool = True, timeout: float = 120.0, cwd: Path | None = None) -> str:
    """Standard output of a command.

    Raises:
        ArtifactError: it is not installed, failed or took too long; carries the end of what it said.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, cwd=cwd)
    except FileNotFoundError:
        package = PACKAGE_OF.get(command[0], command[0])
        raise ArtifactError(f"{command[0]} is not installed", fix=f"apt-get install {package}") from None
    except subprocess.TimeoutExpired:
        raise ArtifactError(f"{' '.join(command[:2])} did not end within {timeout:.0f} s") from None
    if check and done.returncode:
        said = "\n  ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-6:])
        raise ArtifactError(f"{' '.join(command[:2])} failed with exit code {done.returncode}:\n  {said}")
    return done.stdout

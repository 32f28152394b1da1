"""An official Pulumi plugin that was carried in: checked, and put where Pulumi looks for it, and we do."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
from pathlib import Path

from greenfield.artifacts.digests import sha256_of
from greenfield.errors import ArtifactError

NAME = re.compile(r"([a-z][a-z0-9-]*)-v?(\d+\.\d+\.\d+\S*)")
ELF = b"\x7fELF"
"""What programs of Linux begin with."""


def install(name: str, archive: Path, sha256: str) -> Path:
    """Install a plugin from the archive that its project publishes, or from the program itself.

    Args:
        name: ``kubernetes-4.25.0``.
        archive: ``pulumi-resource-kubernetes-v4.25.0-linux-amd64.tar.gz``, or what another workstation has built.
        sha256: its digest, from whoever published it or built it.

    Returns:
        The program, below ``plugins`` of PULUMI_HOME (``~/.pulumi`` by default), as ``pulumi plugin install`` has it.

    Raises:
        ArtifactError: the name is none, the archive has another digest, or the program is not in it.
    """
    said = NAME.fullmatch(name)
    if not said:
        raise ArtifactError(
            f"{name!r} is no plugin and version", fix="plugin/NAME-VERSION, e.g. plugin/kubernetes-4.25.0"
        )
    found = sha256_of(archive)
    if found != sha256.lower():
        raise ArtifactError(
            f"{archive} has SHA-256 {found}, you said {sha256.lower()}", fix="get the file again from its publisher"
        )
    home = os.environ.get("PULUMI_HOME")
    folder = (Path(home) if home else Path.home() / ".pulumi") / "plugins"
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"resource-{said[1]}-v{said[2]}"
    with tempfile.TemporaryDirectory(prefix=".greenfield-", dir=folder) as scratch:
        fresh = Path(scratch) / place.name
        fresh.mkdir()
        program = fresh / f"pulumi-resource-{said[1]}"
        if _is_program(archive):
            shutil.copyfile(archive, program)
        else:
            _unpack(archive, program)
        program.chmod(0o755)
        shutil.rmtree(place, ignore_errors=True)
        fresh.rename(place)
    return place / f"pulumi-resource-{said[1]}"


def _is_program(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(ELF)) == ELF


def _unpack(archive: Path, program: Path) -> None:
    """The program alone: nothing else of an archive is run, and no name in it decides where something is written."""
    try:
        with tarfile.open(archive) as held:
            member = next((each for each in held if each.isfile() and Path(each.name).name == program.name), None)
            source = held.extractfile(member) if member else None
            if source is None:
                raise ArtifactError(f"{archive} holds no {program.name}", fix="carry in the archive for this system")
            with source, program.open("wb") as target:
                shutil.copyfileobj(source, target)
    except tarfile.TarError as error:
        raise ArtifactError(f"{archive} can't be unpacked: {error}") from error

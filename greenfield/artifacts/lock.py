"""``mirror.lock.json``: what the mirror holds, to the byte, and the key that vouches for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from greenfield.errors import ArtifactError

LOCK_NAME = "mirror.lock.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package. ``path`` is its place in the upstream pool and in ours; ``version`` includes the epoch."""

    name: str
    version: str
    architecture: str
    path: str
    sha256: str
    bytes: int

    @property
    def file(self) -> str:
        """Where it lies, relative to the served folder."""
        return f"apt/{self.path}"


@dataclass(frozen=True, slots=True)
class FileArtifact:
    """A file that a role lays down on hosts. ``purl`` names the software in an SBOM."""

    name: str
    sha256: str
    bytes: int
    version: str
    purl: str

    @property
    def file(self) -> str:
        """Where it lies, relative to the served folder."""
        return f"files/{self.sha256}/{self.name}"


@dataclass(frozen=True, slots=True)
class Artifact:
    """What hosts install under one name of the catalogue: package names and files."""

    packages: tuple[str, ...] = ()
    files: tuple[FileArtifact, ...] = ()


@dataclass(frozen=True, slots=True)
class Lock:
    """The whole content of a site's mirror.

    Attributes:
        release: Debian release of the hosts.
        created: UTC, ``2026-11-21T09:30:00Z``; the date in the repository's signed Release.
        apt_key: armored public key that signs the repository.
        fingerprint: of that key.
        packages: by name; the closure of everything, one version each.
        artifacts: by catalogue name.
    """

    site: str
    release: str
    architecture: str
    created: str
    apt_key: str
    fingerprint: str
    packages: Mapping[str, Package] = field(default_factory=dict)
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)

    def digest_of(self, names: Iterable[str]) -> str:
        """SHA-256 over what hosts get under these catalogue names; the order of the names does not matter.

        Raises:
            ArtifactError: the lock has no such name.
        """
        seen = hashlib.sha256()
        for name in sorted(set(names)):
            artifact = self._artifact(name)
            lines = [f"{p} {self.packages[p].version} {self.packages[p].sha256}" for p in sorted(artifact.packages)]
            lines += [f"{file.name} {file.sha256}" for file in artifact.files]
            seen.update("\n".join([f"[{name}]", *lines, ""]).encode())
        return seen.hexdigest()

    def files_of(self, name: str, mirror_url: str) -> list[dict[str, Any]]:
        """The files under a catalogue name, as roles take them: ``[{name, url, sha256, bytes}]``.

        Raises:
            ArtifactError: the lock has no such name.
        """
        return [
            {"name": f.name, "url": f"{mirror_url}/{f.file}", "sha256": f.sha256, "bytes": f.bytes}
            for f in self._artifact(name).files
        ]

    @property
    def files(self) -> tuple[FileArtifact, ...]:
        """Every file, in catalogue order."""
        return tuple(file for artifact in self.artifacts.values() for file in artifact.files)

    @property
    def digest(self) -> str:
        """SHA-256 of the lock's whole meaning."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def _artifact(self, name: str) -> Artifact:
        try:
            return self.artifacts[name]
        except KeyError:
            raise ArtifactError(
                f"{LOCK_NAME} of site {self.site} has no artifact {name!r}; it has: {', '.join(self.artifacts)}",
                fix="greenfield mirror lock SPEC --update",
            ) from None


def summary(lock: Lock) -> str:
    """One line about size, e.g. ``212 packages, 3 files, 188 MB``."""
    total = sum(p.bytes for p in lock.packages.values()) + sum(f.bytes for f in lock.files)
    return f"{len(lock.packages)} packages, {len(lock.files)} files, {total / 1e6:.0f} MB"


def load_lock(folder: Path) -> Lock | None:
    """The lock of the spec in ``folder``; ``None`` when there is none.

    Raises:
        ArtifactError: the file can't be understood.
    """
    path = folder / LOCK_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path} is not JSON: {error}", fix="restore it from version control") from error
    try:
        if document["format"] != FORMAT:
            raise ArtifactError(f"{path} has format {document['format']}, this Greenfield reads {FORMAT}")
        return _parse(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path} is incomplete: {error!r}", fix="greenfield mirror lock SPEC --update") from error


def _parse(document: dict[str, Any]) -> Lock:
    key = document["key"]
    return Lock(
        site=document["site"],
        release=document["release"],
        architecture=document["architecture"],
        created=document["created"],
        apt_key=key["armored"],
        fingerprint=key["fingerprint"],
        packages={name: Package(name=name, **values) for name, values in document["packages"].items()},
        artifacts={
            name: Artifact(tuple(values["packages"]), tuple(FileArtifact(**file) for file in values["files"]))
            for name, values in document["artifacts"].items()
        },
    )


def save_lock(lock: Lock, folder: Path) -> Path:
    """Write ``mirror.lock.json`` in one step, in an order that reviews well; returns its path."""
    document = {
        "format": FORMAT,
        "site": lock.site,
        "release": lock.release,
        "architecture": lock.architecture,
        "created": lock.created,
        "key": {"fingerprint": lock.fingerprint, "armored": lock.apt_key},
        "artifacts": {
            name: {
                "digest": lock.digest_of([name]),
                "packages": list(artifact.packages),
                "files": [asdict(file) for file in artifact.files],
            }
            for name, artifact in lock.artifacts.items()
        },
        "packages": {
            name: {k: v for k, v in asdict(package).items() if k != "name"}
            for name, package in sorted(lock.packages.items())
        },
    }
    path = folder / LOCK_NAME
    fresh = path.with_suffix(".json.new")
    fresh.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    fresh.replace(path)
    return path

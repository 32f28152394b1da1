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
class ImageArtifact:
    """A container image that the mirror's registry serves.

    Attributes:
        name: full, with host and tag, as pods ask for it.
        sha256: of its manifest: the image's digest.
        bytes: of everything it consists of.
        purl: names the program in it in an SBOM; empty for a workload's own image.
        blobs: SHA-256 of its configuration and its layers.
    """

    name: str
    sha256: str
    bytes: int
    version: str
    purl: str
    blobs: tuple[str, ...]

    @property
    def repository(self) -> str:
        """Its name without host and tag, as a registry that stands in for every host knows it."""
        return self.name.split("/", 1)[1].rsplit(":", 1)[0]

    @property
    def tag(self) -> str:
        """What stands behind the colon."""
        return self.name.rsplit(":", 1)[1]


@dataclass(frozen=True, slots=True)
class Artifact:
    """What hosts install under one name of the catalogue: package names, files and images."""

    packages: tuple[str, ...] = ()
    files: tuple[FileArtifact, ...] = ()
    images: tuple[ImageArtifact, ...] = ()


@dataclass(frozen=True, slots=True)
class Lock:
    """The whole content of a site's mirror.

    Attributes:
        release: Debian release of the hosts.
        created: UTC, ``2026-11-21T09:30:00Z``; the date in the repository's signed Release.
        apt_key: armored public key that signs the repository.
        fingerprint: of that key.
        packages: by name; the closure of everything, one version each.
        artifacts: by catalogue name; ``image/NAME`` for an image of workloads that no engine brings.
        registry_certificate: PEM of the authority whose certificate the registry of images shows; empty when there
            are no images.
    """

    site: str
    release: str
    architecture: str
    created: str
    apt_key: str
    fingerprint: str
    packages: Mapping[str, Package] = field(default_factory=dict)
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    registry_certificate: str = ""

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
            lines += [f"{image.name} {image.sha256}" for image in artifact.images]
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

    def images_of(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """The images under catalogue names, as roles take them: ``[{name, digest, bytes}]``; each once.

        Raises:
            ArtifactError: the lock has no such name.
        """
        images = {image.name: image for name in names for image in self._artifact(name).images}
        return [{"name": i.name, "digest": f"sha256:{i.sha256}", "bytes": i.bytes} for i in images.values()]

    @property
    def images(self) -> tuple[ImageArtifact, ...]:
        """Every image, in catalogue order, each once."""
        found = {image.name: image for artifact in self.artifacts.values() for image in artifact.images}
        return tuple(found.values())

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
    total += sum(i.bytes for i in lock.images)
    images = f"{len(lock.images)} images, " if lock.images else ""
    return f"{len(lock.packages)} packages, {len(lock.files)} files, {images}{total / 1e6:.0f} MB"


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
        artifacts={name: _artifact(values) for name, values in document["artifacts"].items()},
        registry_certificate=document.get("registry_certificate", ""),
    )


def _artifact(values: dict[str, Any]) -> Artifact:
    images = ({**image, "blobs": tuple(image["blobs"])} for image in values.get("images", ()))
    return Artifact(
        tuple(values["packages"]),
        tuple(FileArtifact(**file) for file in values["files"]),
        tuple(ImageArtifact(**image) for image in images),
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
        **({"registry_certificate": lock.registry_certificate} if lock.registry_certificate else {}),
        "artifacts": {
            name: {
                "digest": lock.digest_of([name]),
                "packages": list(artifact.packages),
                "files": [asdict(file) for file in artifact.files],
                **({"images": [asdict(image) for image in artifact.images]} if artifact.images else {}),
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

"""Where an image lies in the registry's storage: blobs by digest, and small files that link names to them.

The storage is the filesystem layout of the registry of the CNCF's Distribution project (its file
``registry/storage/paths.go``). Written directly, blobs are hard links into the store, the registry needs no way to
write, and verifying the mirror verifies the images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain

from greenfield.artifacts.lock import ImageArtifact, Lock
from greenfield.errors import ArtifactError

AREA = "registry"
"""Folder of the registry's storage below the served folder."""

ROOT = f"{AREA}/docker/registry/v2"


def blobs(image: ImageArtifact) -> Iterator[tuple[str, str]]:
    """``(path relative to the served folder, SHA-256)`` of the manifest, the configuration and the layers."""
    for sha256 in (image.sha256, *image.blobs):
        yield f"{ROOT}/blobs/sha256/{sha256[:2]}/{sha256}/data", sha256


def links(image: ImageArtifact) -> Iterator[tuple[str, str]]:
    """``(path relative to the served folder, text)`` of the files that make blobs parts of the repository."""
    place = f"{ROOT}/repositories/{image.repository}"
    yield f"{place}/_manifests/tags/{image.tag}/current/link", f"sha256:{image.sha256}"
    yield f"{place}/_manifests/revisions/sha256/{image.sha256}/link", f"sha256:{image.sha256}"
    for sha256 in image.blobs:
        yield f"{place}/_layers/sha256/{sha256}/link", f"sha256:{sha256}"


def contents(lock: Lock) -> Iterator[tuple[str, str]]:
    """``(path relative to the served folder, SHA-256)`` of everything in the registry's storage."""
    for image in lock.images:
        yield from blobs(image)
        for path, text in links(image):
            yield path, hashlib.sha256(text.encode()).hexdigest()


def owner(lock: Lock, path: str) -> str:
    """Name of an image that a path in the storage belongs to; empty when there is none."""
    for image in lock.images:
        if any(path == one for one, _ in chain(blobs(image), links(image))):
            return image.name
    return ""


def check_names(lock: Lock) -> None:
    """Refuse images that hosts could not tell apart: the registry stands in for every host, so it knows paths alone.

    Raises:
        ArtifactError: two images have the same path and tag, and other content.
    """
    seen: dict[tuple[str, str], ImageArtifact] = {}
    for artifact in lock.artifacts.values():
        for image in artifact.images:
            first = seen.setdefault((image.repository, image.tag), image)
            if first.sha256 != image.sha256:
                raise ArtifactError(
                    f"the registry can't serve both {first.name} and {image.name}: same path and tag, other content",
                    fix="choose other versions, or carry in the same archive for both: greenfield mirror add",
                )

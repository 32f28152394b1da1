"""An official image carried in as an OCI archive: the tar that ``skopeo copy``, ``docker save`` or ``ctr`` writes."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from greenfield.artifacts.store import Store
from greenfield.errors import ArtifactError

BY_NAME = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
"""Annotations of an index that say which image an entry is; the second may hold the tag alone."""

LARGEST_DOCUMENT = 4 << 20
"""Bytes of a manifest or index (the limit of the Distribution Specification for manifests)."""


def unpack(archive: Path, name: str, architecture: str, store: Store) -> tuple[str, tuple[str, ...]]:
    """Put an image's blobs into the store, each checked; returns the manifest's SHA-256 and those of the other blobs.

    Of an image for several platforms only Linux on ``architecture`` is taken.

    Raises:
        ArtifactError: it is no OCI archive, holds another image, or a blob is missing or damaged.
    """
    try:
        with tarfile.open(archive) as opened, tempfile.TemporaryDirectory() as scratch:
            reader = _Reader(opened, Path(scratch), store)
            index = json.loads(reader.text("index.json"))
            descriptor = _choose(index["manifests"], name)
            document = json.loads(reader.blob(_hex(descriptor)))
            if "manifests" in document:
                descriptor = _platform(document["manifests"], name, architecture)
                document = json.loads(reader.blob(_hex(descriptor)))
            blobs = tuple(dict.fromkeys(_hex(part) for part in (document["config"], *document["layers"])))
            for sha256 in (_hex(descriptor), *blobs):
                reader.keep(sha256)
            return _hex(descriptor), blobs
    except (tarfile.TarError, KeyError, TypeError, ValueError, OSError) as error:
        raise ArtifactError(
            f"{archive} is not an OCI archive of {name}: {error!r}",
            fix=f"make one where the image can be had: skopeo copy docker://{name} oci-archive:FILE",
        ) from error


class _Reader:
    """Reads an archive's documents and blobs by the names that the image layout gives them, and by no others."""

    def __init__(self, archive: tarfile.TarFile, scratch: Path, store: Store) -> None:
        self._members = {member.name.removeprefix("./"): member for member in archive.getmembers() if member.isfile()}
        self._archive, self._scratch, self._store = archive, scratch, store

    def text(self, path: str) -> bytes:
        member = self._members[path]
        if member.size > LARGEST_DOCUMENT:
            raise ValueError(f"{path} has {member.size} bytes")
        stream = self._archive.extractfile(member)
        assert stream is not None
        with stream:
            return stream.read()

    def blob(self, sha256: str) -> bytes:
        return self.text(f"blobs/sha256/{sha256}")

    def keep(self, sha256: str) -> None:
        stream = self._archive.extractfile(self._members[f"blobs/sha256/{sha256}"])
        assert stream is not None
        out = self._scratch / sha256
        with stream, out.open("wb") as target:
            shutil.copyfileobj(stream, target)
        self._store.put(out, sha256)


def _choose(manifests: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The entry of an index that is this image; the only one, unless it says that it is another."""
    named = {name, name.rsplit(":", 1)[1]}
    said = [{entry.get("annotations", {}).get(key) for key in BY_NAME} - {None} for entry in manifests]
    found = [entry for entry, names in zip(manifests, said, strict=True) if names & named]
    if not found and len(manifests) == 1 and not said[0]:
        found = [manifests[0]]
    if len(found) != 1:
        has = ", ".join(sorted({str(name) for names in said for name in names})) or f"{len(manifests)} without names"
        raise ValueError(f"it has {has}")
    return found[0]


def _platform(manifests: Sequence[Mapping[str, Any]], name: str, architecture: str) -> Mapping[str, Any]:
    for entry in manifests:
        platform = entry.get("platform", {})
        if platform.get("os") == "linux" and platform.get("architecture") == architecture:
            return entry
    raise ValueError(f"{name} is not for linux/{architecture}")


def _hex(descriptor: Mapping[str, Any]) -> str:
    found = re.fullmatch(r"sha256:([0-9a-f]{64})", descriptor["digest"])
    if not found:
        raise ValueError(f"digest {descriptor['digest']}")
    return found[1]

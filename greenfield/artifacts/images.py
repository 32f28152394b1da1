"""Where the images of a catalogue entry come from: carried in by hand, an official archive, or files put together."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from greenfield.artifacts import assembly, oci_archive, toolchain
from greenfield.artifacts.apt_root import AptRoot
from greenfield.artifacts.carried import named
from greenfield.artifacts.catalogue import Entry, Image, Source
from greenfield.artifacts.lock import ImageArtifact
from greenfield.artifacts.store import Progress, Store, Wanted
from greenfield.errors import ArtifactError

Blobs = tuple[str, tuple[str, ...]]
"""SHA-256 of a manifest, and of the configuration and layers that it names."""


def obtain(
    entry: Entry, store: Store, root: AptRoot, progress: Progress, *, only: frozenset[str] | None = None
) -> Iterator[ImageArtifact]:
    """Have an entry's images in the store, each from the first source that has it; gives what they are.

    ``only`` names those that are wanted; all when it is ``None``.

    Raises:
        ArtifactError: no source has one of them; says what each said.
    """
    for image in entry.images:
        if only is None or image.name in only:
            manifest, blobs = _obtain(entry, image, store, root, progress)
            size = sum(_size(store, sha256) for sha256 in (manifest, *blobs))
            yield ImageArtifact(image.name, manifest, size, image.version, image.purl, blobs)


def _obtain(entry: Entry, image: Image, store: Store, root: AptRoot, progress: Progress) -> Blobs:
    by_hand = store.find(named(entry.key(image.name)))
    if by_hand is not None:
        return oci_archive.unpack(by_hand, image.name, root.architecture, store)
    refused: list[str] = []
    for source in image.sources:
        try:
            return _from(source, image, store, root, progress)
        except ArtifactError as error:
            refused.append(error.message)
    raise ArtifactError(
        f"no source has the image {image.name}" + "".join(f"\n  {words}" for words in refused),
        fix=f"greenfield mirror add {entry.key(image.name)} ARCHIVE --sha256 DIGEST",
    )


def _from(source: Source, image: Image, store: Store, root: AptRoot, progress: Progress) -> Blobs:
    if source.build:
        folder = toolchain.build(source.build, progress=lambda words: progress(words, 0, 0))
        progress(f"image {image.name}", 0, 0)
        return assemble(image, folder, root.architecture, store)
    store.fetch([Wanted(image.name, source.url, source.sha256, 0)], root, progress)
    archive = store.find(source.sha256)
    if archive is None:
        raise ArtifactError(f"{source.url} did not arrive")
    return oci_archive.unpack(archive, image.name, root.architecture, store)


def assemble(image: Image, folder: Path, architecture: str, store: Store) -> Blobs:
    """Put an image together from programs in ``folder``; the same programs give the same digest.

    Raises:
        ArtifactError: a program is not there.
    """
    lacking = [name for name in image.files.values() if not (folder / name).is_file()]
    if lacking:
        raise ArtifactError(f"{folder} has no {', '.join(lacking)}")
    contents = assembly.Contents(
        files={path: folder / name for path, name in image.files.items()},
        capabilities=image.capabilities,
        entrypoint=image.entrypoint,
        user=image.user,
        version=image.version,
    )
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "layer.tar"
        assembly.write_layer(contents, place)
        size = place.stat().st_size
        layer = store.put(place)
    config = assembly.configuration(contents, architecture, layer)
    manifest = assembly.manifest(config, layer, size)
    store.put_bytes(config)
    store.put_bytes(manifest)
    return hashlib.sha256(manifest).hexdigest(), (hashlib.sha256(config).hexdigest(), layer)


def _size(store: Store, sha256: str) -> int:
    place = store.find(sha256)
    if place is None:
        raise ArtifactError(f"blob {sha256} went from the cache while it was read", fix="run it again")
    return place.stat().st_size

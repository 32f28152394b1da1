"""Where the files of a catalogue entry come from: carried in by hand, an official release, or a pinned build."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from greenfield.artifacts import toolchain
from greenfield.artifacts.apt_root import AptRoot
from greenfield.artifacts.carried import named
from greenfield.artifacts.catalogue import Entry, Files, Source
from greenfield.artifacts.lock import FileArtifact
from greenfield.artifacts.store import Progress, Store, Wanted
from greenfield.errors import ArtifactError


def obtain(entry: Entry, store: Store, root: AptRoot, progress: Progress) -> tuple[FileArtifact, ...]:
    """Have an entry's files in the store, each group from the first sources that have them; returns what they are.

    Raises:
        ArtifactError: no source has them; says what each said.
    """
    return tuple(file for group in entry.groups for file in _group(entry.name, group, store, root, progress))


def _group(entry: str, group: Files, store: Store, root: AptRoot, progress: Progress) -> Iterator[FileArtifact]:
    by_hand = {name: named(f"{entry}/{name}") for name in group.names}
    digests: Mapping[str, str] = {name: digest for name, digest in by_hand.items() if digest and store.find(digest)}
    refused: list[str] = []
    for source in group.sources:
        if all(name in digests for name in group.names):
            break
        try:
            digests = {**_from(source, group, store, root, progress), **digests}
        except ArtifactError as error:
            refused.append(error.message)
    lacking = [name for name in group.names if name not in digests]
    if lacking:
        raise ArtifactError(
            f"no source has {', '.join(lacking)} of {entry}" + "".join(f"\n  {words}" for words in refused),
            fix=f"greenfield mirror add {entry}/{lacking[0]} FILE --sha256 DIGEST",
        )
    for name in group.names:
        place = store.find(digests[name])
        if place is None:
            raise ArtifactError(f"{entry}/{name} went from the cache while it was read", fix="run it again")
        yield FileArtifact(name, digests[name], place.stat().st_size, group.version, group.purl)


def _from(source: Source, group: Files, store: Store, root: AptRoot, progress: Progress) -> dict[str, str]:
    """File name to digest of what one source gave."""
    if source.build:
        folder = toolchain.build(source.build, progress=lambda words: progress(words, 0, 0))
        return {name: store.put(folder / name) for name in group.names if (folder / name).is_file()}
    store.fetch([Wanted(source.url.rsplit("/", 1)[-1], source.url, source.sha256, 0)], root, progress)
    archive = store.find(source.sha256)
    if archive is None:
        raise ArtifactError(f"{source.url} did not arrive")
    if not source.members:
        return {group.names[0]: source.sha256}
    with tarfile.open(archive) as opened, tempfile.TemporaryDirectory() as scratch:
        return {name: _member(opened, path, Path(scratch), store) for name, path in source.members.items()}


def _member(archive: tarfile.TarFile, path: str, scratch: Path, store: Store) -> str:
    try:
        stream = archive.extractfile(path)
    except KeyError:
        stream = None
    if stream is None:
        raise ArtifactError(f"the release archive has no file {path}")
    out = scratch / Path(path).name
    with stream, out.open("wb") as target:
        shutil.copyfileobj(stream, target)
    return store.put(out)

"""Where the files of a catalogue entry come from: carried in by hand, an official release, or a pinned build."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from greenfield.artifacts import toolchain
from greenfield.artifacts.apt_root import AptRoot
from greenfield.artifacts.catalogue import Entry, Source
from greenfield.artifacts.digests import sha256_of
from greenfield.artifacts.lock import FileArtifact
from greenfield.artifacts.place import carried
from greenfield.artifacts.store import Progress, Store, Wanted
from greenfield.errors import ArtifactError

NAMES = "names.json"


def add(entry: Entry, name: str, file: Path, sha256: str) -> Path:
    """Carry a file in by hand under a name of the catalogue; it goes before every other source from now on.

    Args:
        entry: the catalogue entry that has the file.
        name: one of its file names.
        file: where it lies now; it is copied.
        sha256: what its digest must be, from whoever published it; empty takes the file as it is.

    Raises:
        ArtifactError: the entry has no such file, or the digest is another one.
    """
    if name not in entry.files:
        raise ArtifactError(f"{entry.name} has no file {name!r}; it has: {', '.join(entry.files) or 'none'}")
    found = sha256_of(file)
    if sha256 and found != sha256.lower():
        raise ArtifactError(
            f"{file} has SHA-256 {found}, you said {sha256.lower()}", fix="get the file again from its publisher"
        )
    place = _keep(file, found)
    names = {**_names(), f"{entry.name}/{name}": found}
    (carried() / NAMES).write_text(json.dumps(names, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return place


def add_bytes(file: Path, sha256: str) -> Path:
    """Carry in whatever the lock names by this digest, e.g. a package that upstream no longer has.

    Raises:
        ArtifactError: the file has another digest.
    """
    found = sha256_of(file)
    if found != sha256:
        raise ArtifactError(f"{file} has SHA-256 {found}, the lock says {sha256}")
    return _keep(file, found)


def obtain(entry: Entry, store: Store, root: AptRoot, progress: Progress) -> tuple[FileArtifact, ...]:
    """Have an entry's files in the store, from the first source that has them all; returns what they are.

    Raises:
        ArtifactError: no source has them; says what each said.
    """
    names = _names()
    by_hand = {name: names.get(f"{entry.name}/{name}", "") for name in entry.files}
    digests: Mapping[str, str] = {n: d for n, d in by_hand.items() if d and store.find(d)}
    refused: list[str] = []
    for source in entry.sources:
        if all(name in digests for name in entry.files):
            break
        try:
            digests = {**_from(source, entry, store, root, progress), **digests}
        except ArtifactError as error:
            refused.append(error.message)
    lacking = [name for name in entry.files if name not in digests]
    if lacking:
        raise ArtifactError(
            f"no source has {', '.join(lacking)} of {entry.name}" + "".join(f"\n  {words}" for words in refused),
            fix=f"greenfield mirror add {entry.name}/{lacking[0]} FILE --sha256 DIGEST",
        )
    return tuple(_file(entry, name, digests[name], store) for name in entry.files)


def _file(entry: Entry, name: str, sha256: str, store: Store) -> FileArtifact:
    place = store.find(sha256)
    if place is None:
        raise ArtifactError(f"{entry.name}/{name} went from the cache while it was read", fix="run it again")
    return FileArtifact(name, sha256, place.stat().st_size, entry.version, entry.purl)


def _from(source: Source, entry: Entry, store: Store, root: AptRoot, progress: Progress) -> dict[str, str]:
    """File name to digest of what one source gave."""
    if source.build:
        folder = toolchain.build(source.build, progress=lambda words: progress(words, 0, 0))
        return {name: store.put(folder / name) for name in entry.files if (folder / name).is_file()}
    store.fetch([Wanted(source.url.rsplit("/", 1)[-1], source.url, source.sha256, 0)], root, progress)
    archive = store.find(source.sha256)
    if archive is None:
        raise ArtifactError(f"{source.url} did not arrive")
    if not source.members:
        return {entry.files[0]: source.sha256}
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


def _keep(file: Path, sha256: str) -> Path:
    place = carried() / sha256
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_suffix(".new")
    shutil.copyfile(file, fresh)
    fresh.chmod(0o644)
    fresh.replace(place)
    return place


def _names() -> dict[str, str]:
    try:
        found = json.loads((carried() / NAMES).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {str(name): str(digest) for name, digest in found.items()}

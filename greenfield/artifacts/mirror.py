"""Making a lock, and having the mirror hold exactly what a lock names."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from greenfield.artifacts import files, images, registry_layout
from greenfield.artifacts.apt_root import AptRoot
from greenfield.artifacts.carried import named
from greenfield.artifacts.catalogue import OWN, Catalogue, load_catalogue
from greenfield.artifacts.digests import DigestCache
from greenfield.artifacts.lock import Artifact, FileArtifact, ImageArtifact, Lock, Package
from greenfield.artifacts.place import state_dir
from greenfield.artifacts.repository import index_problem, publish
from greenfield.artifacts.signing import SigningKey
from greenfield.artifacts.store import Progress, Store, Wanted, place_file, quiet
from greenfield.artifacts.verification import contents, verify_mirror
from greenfield.errors import ArtifactError


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did: how many files it put into the mirror and took out, and whether it signed the index anew."""

    placed: int
    removed: int
    published: bool

    @property
    def changed(self) -> bool:
        """Whether anything in the mirror is different now."""
        return bool(self.placed or self.removed or self.published)


def make_lock(
    site: str,
    names: Sequence[str],
    *,
    catalogue: Catalogue | None = None,
    update: bool = False,
    progress: Progress = quiet,
) -> Lock:
    """Compute what the mirror must hold for these catalogue names, and pin it.

    Args:
        site: the site's name; its signing key is made when there is none.
        names: catalogue names; see ``catalogue.names_for``.
        catalogue: another catalogue than the one that ships.
        update: ask upstream for news even when package lists are fresh.
        progress: told what is going on.

    Raises:
        ArtifactError: a name is unknown, apt can't satisfy an entry, or a file has no source.
    """
    catalogue = catalogue or load_catalogue()
    entries = catalogue.select(names)
    root = AptRoot(catalogue.release, catalogue.architecture)
    store = Store()
    progress("package lists", 0, 0)
    if any(entry.packages for entry in entries):
        root.refresh(force=update)
    packages: dict[str, Package] = {}
    artifacts: dict[str, Artifact] = {}
    for entry in entries:
        progress(f"closure of {entry.name}", 0, 0)
        closure = root.closure(entry.packages) if entry.packages else {}
        packages.update({name: package for name, (package, _) in closure.items()})
        artifacts[entry.name] = Artifact(
            tuple(sorted(closure)),
            files.obtain(entry, store, root, progress),
            tuple(images.obtain(entry, store, root, progress)),
        )
    store.digests.save()
    key = SigningKey(site)
    fingerprint = key.fingerprint(create=True)
    return Lock(
        site=site,
        release=catalogue.release,
        architecture=catalogue.architecture,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        apt_key=key.public(fingerprint),
        fingerprint=fingerprint,
        packages=packages,
        artifacts=artifacts,
        registry_certificate=_registry_certificate(site, artifacts),
    )


def with_own_images(
    lock: Lock, names: Sequence[str], *, catalogue: Catalogue | None = None, progress: Progress = quiet
) -> Lock:
    """The same lock with the images of today's workloads in place of those that it has; all else stays as it is.

    An image that it has stays too, unless an archive of it was carried in here.

    Raises:
        ArtifactError: no source has an image.
    """
    catalogue = catalogue or load_catalogue()
    store, root = Store(), AptRoot(lock.release, lock.architecture)
    artifacts = {name: artifact for name, artifact in lock.artifacts.items() if not name.startswith(OWN)}
    for entry in catalogue.select(name for name in names if name.startswith(OWN)):
        held = lock.artifacts.get(entry.name)
        if held is None or any(named(entry.key(image.name)) for image in entry.images):
            held = Artifact(images=tuple(images.obtain(entry, store, root, progress)))
        artifacts[entry.name] = held
    store.digests.save()
    certificate = lock.registry_certificate or _registry_certificate(lock.site, artifacts)
    return replace(lock, artifacts=artifacts, registry_certificate=certificate)


def _registry_certificate(site: str, artifacts: Mapping[str, Artifact]) -> str:
    """The authority of the site's registry, made when there is none; empty where there are no images."""
    if not any(artifact.images for artifact in artifacts.values()):
        return ""
    from greenfield.artifacts.authority import Authority

    return Authority(site).certificate(create=True)


def same_content(one: Lock, other: Lock) -> bool:
    """Whether two locks differ in nothing but the time they were made."""
    return replace(one, created=other.created) == other


def sync(lock: Lock, folder: Path, *, catalogue: Catalogue | None = None, progress: Progress = quiet) -> Synced:
    """Have ``folder`` hold what the lock names, nothing else, indexed and signed; a second run changes nothing.

    Everything is checked against the lock before it gets its place. What an interrupted run downloaded is kept.

    Raises:
        ArtifactError: something can't be had with the lock's digest, or another sync is at work.
    """
    with _alone(lock.site):
        if lock.images:
            from greenfield.artifacts import registry

            registry.prepare(lock, progress)
        digests = DigestCache(state_dir(lock.site) / "digests.json")
        wanted = dict(contents(lock))
        wrong = {path: sha256 for path, sha256 in wanted.items() if _digest(digests, folder / path) != sha256}
        if wrong:
            store = Store()
            for image in lock.images:
                for _, text in registry_layout.links(image):
                    store.put_bytes(text.encode())
            _gather(lock, set(wrong.values()), store, catalogue or load_catalogue(), progress)
            for path, sha256 in wrong.items():
                source = store.find(sha256)
                if source is None:
                    raise ArtifactError(f"{path} can't be had with SHA-256 {sha256}")
                place_file(source, folder / path)
            store.digests.save()
        removed = _prune(folder, set(wanted))
        stale = bool(wrong or removed or index_problem(lock, folder, digests))
        if stale and lock.packages:
            progress("index and signature", 0, 0)
            publish(lock, folder)
        digests.save()
        verify_mirror(lock, folder)
    return Synced(len(wrong), removed, stale)


def _gather(lock: Lock, missing: set[str], store: Store, catalogue: Catalogue, progress: Progress) -> None:
    """Have everything missing in the store, or fail naming what can't be had."""
    root = AptRoot(lock.release, lock.architecture)
    packages = [p for p in lock.packages.values() if p.sha256 in missing and store.find(p.sha256) is None]
    uris = root.locate(packages)
    store.fetch([Wanted(f"{p.name} {p.version}", uris[p.sha256], p.sha256, p.bytes) for p in packages], root, progress)
    for name, artifact in lock.artifacts.items():
        lacking = [file for file in artifact.files if file.sha256 in missing and store.find(file.sha256) is None]
        if lacking:
            had = {file.name: file.sha256 for file in files.obtain(catalogue.select([name])[0], store, root, progress)}
            for file in lacking:
                _same(f"{name}/{file.name}", had.get(file.name, "none"), file.sha256, f"FILE --sha256 {file.sha256}")
        blobs = {
            i.name: {b for b in (i.sha256, *i.blobs) if b in missing and not store.find(b)} for i in artifact.images
        }
        names = frozenset(image for image, absent in blobs.items() if absent)
        if names:
            entry = catalogue.select([name])[0]
            had = {i.name: i.sha256 for i in images.obtain(entry, store, root, progress, only=names)}
            for image in artifact.images:
                if image.name in names:
                    _same(entry.key(image.name), had.get(image.name, "none"), image.sha256, "ARCHIVE")


def _same(name: str, found: str, locked: str, with_what: str) -> None:
    if found != locked:
        raise ArtifactError(
            f"{name} from here has SHA-256 {found}, the lock says {locked}",
            fix=f"greenfield mirror add {name} {with_what} with what the machine that made the lock has, "
            "or: greenfield mirror lock SPEC --update",
        )


def _digest(digests: DigestCache, path: Path) -> str:
    try:
        return digests.digest(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _prune(folder: Path, wanted: set[str]) -> int:
    """Take out of pool and files what the lock does not name, so that hosts can't get it; returns how many files."""
    removed = 0
    for area in (folder / "apt" / "pool", folder / "files", folder / registry_layout.AREA):
        for path in sorted(area.rglob("*"), reverse=True):
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif str(path.relative_to(folder)) not in wanted:
                path.unlink()
                removed += 1
    return removed


@contextmanager
def _alone(site: str) -> Iterator[None]:
    """One sync of a site at a time."""
    with (state_dir(site) / "sync.lock").open("w") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ArtifactError(f"another sync of site {site}'s mirror is at work", fix="wait for it") from None
        yield


def with_key_of_here(lock: Lock) -> Lock:
    """The same content, to be signed by this workstation's key of the site (made when there is none)."""
    key = SigningKey(lock.site)
    fingerprint = key.fingerprint(create=True)
    certificate = _registry_certificate(lock.site, lock.artifacts)
    return replace(lock, apt_key=key.public(fingerprint), fingerprint=fingerprint, registry_certificate=certificate)


def differences(before: Lock, after: Lock) -> list[str]:
    """What an update changes, a line each, for review."""
    old = {name: p.version for name, p in before.packages.items()}
    new = {name: p.version for name, p in after.packages.items()}
    lines = [f"+ {name} {new[name]}" for name in sorted(new.keys() - old.keys())]
    lines += [f"- {name} {old[name]}" for name in sorted(old.keys() - new.keys())]
    lines += [f"~ {n} {old[n]} -> {new[n]}" for n in sorted(old.keys() & new.keys()) if old[n] != new[n]]
    had = {item.name: item for item in _items(before)}
    for item in _items(after):
        if item.name not in had:
            lines.append(f"+ {item.name} {item.version} {item.sha256[:12]}")
        elif had[item.name].sha256 != item.sha256:
            lines.append(f"~ {item.name} {had[item.name].version} -> {item.version}, {item.sha256[:12]}")
    if before.fingerprint != after.fingerprint:
        lines.append(f"~ signing key {before.fingerprint} -> {after.fingerprint}")
    if before.registry_certificate and before.registry_certificate != after.registry_certificate:
        lines.append("~ authority of the registry")
    return lines


def _items(lock: Lock) -> list[FileArtifact | ImageArtifact]:
    return [*lock.files, *lock.images]

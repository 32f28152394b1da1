"""The mirror of a spec: which site, which catalogue names, which lock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from greenfield.artifacts import mirror
from greenfield.artifacts.catalogue import OWN, names_for
from greenfield.artifacts.lock import LOCK_NAME, Lock, load_lock, save_lock
from greenfield.artifacts.mirror import Synced
from greenfield.artifacts.place import mirror_dir
from greenfield.artifacts.store import Progress, quiet
from greenfield.errors import ArtifactError
from greenfield.spec import load

SAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a spec asks of its site's mirror.

    Attributes:
        site: the site's name.
        folder: where the lock lies.
        names: of the catalogue, and ``image/NAME`` of workloads' own images.
        address: host part of the mirror's URL, by which hosts know it.
    """

    site: str
    folder: Path
    names: tuple[str, ...]
    address: str

    @property
    def served(self) -> Path:
        """The folder that hosts see."""
        return mirror_dir(self.site)


def wanted(path: Path) -> Wanted:
    """Read a spec file or folder.

    Raises:
        SpecError: the spec is wrong.
        ArtifactError: it has not exactly one site.
    """
    spec = load([path])
    if len(spec.sites) != 1:
        raise ArtifactError(f"a mirror belongs to one site; {path} has {', '.join(spec.sites) or 'none'}")
    folder = path if path.is_dir() else path.parent
    site = next(iter(spec.sites.values()))
    address = urlsplit(site.mirror.url).hostname or ""
    names = tuple(names_for(spec.clusters.values(), spec.platforms.values()))
    return Wanted(site.name, folder, names, address)


def check_fit(lock: Lock, wants: Wanted) -> None:
    """Refuse a lock of another site, or one that was made before the spec asked for more.

    Raises:
        ArtifactError: says what the lock lacks.
    """
    lacking = [name for name in wants.names if name not in lock.artifacts]
    if lock.site != wants.site or lacking:
        what = f"lacks {', '.join(lacking)}" if lacking else f"is of site {lock.site}, not {wants.site}"
        # Images of workloads are added to a lock as it is; anything else means to ask upstream.
        update = "" if lock.site == wants.site and all(name.startswith(OWN) for name in lacking) else " --update"
        raise ArtifactError(f"{wants.folder / LOCK_NAME} {what}", fix=f"greenfield mirror lock {wants.folder}{update}")


def locked(wants: Wanted) -> Lock:
    """The lock beside the spec.

    Raises:
        ArtifactError: there is none, or it does not fit the spec.
    """
    lock = load_lock(wants.folder)
    if lock is None:
        raise ArtifactError(f"there is no {LOCK_NAME} in {wants.folder}", fix=f"greenfield mirror sync {wants.folder}")
    check_fit(lock, wants)
    return lock


def sync(wants: Wanted, progress: Progress = quiet) -> tuple[Lock, Synced]:
    """Have the mirror hold what the lock names; makes and saves the lock when there is none.

    Raises:
        ArtifactError: the lock does not fit the spec, or something can't be had.
    """
    lock = load_lock(wants.folder)
    if lock is None:
        lock = mirror.make_lock(wants.site, wants.names, progress=progress)
        save_lock(lock, wants.folder)
    check_fit(lock, wants)
    return lock, mirror.sync(lock, wants.served, progress=progress)


def sync_spec(path: Path, *, progress: Callable[[str], None] = lambda line: None) -> Lock:
    """The whole of ``greenfield mirror sync``, for programs; ``progress`` is told a line now and then.

    Raises:
        GreenfieldError: the spec is wrong, or the mirror can't be had.
    """
    return sync(wanted(path), in_lines(progress))[0]


def in_lines(say: Callable[[str], None]) -> Progress:
    """Progress as lines: one for each new thing, then one every few seconds while bytes arrive."""
    thing, said = "", 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal thing, said
        now = time.monotonic()
        if what == thing and (not total or now - said < SAY_SECONDS):
            return
        thing, said = what, now
        say(f"{what}: {done / 1e6:.0f} of {total / 1e6:.0f} MB" if total else what)

    return tell

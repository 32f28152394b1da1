"""Bytes by their SHA-256, shared by every mirror on the workstation."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from greenfield.artifacts.apt_root import AptRoot, download
from greenfield.artifacts.digests import DigestCache, sha256_of
from greenfield.artifacts.place import cache, carried
from greenfield.errors import ArtifactError

WORKERS = 4
"""Downloads side by side: enough to hide latency, few enough to be a polite guest of a mirror."""

SLOWEST_BYTES_PER_SECOND = 50_000
"""Slower than this a download is given up (it resumes next time)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something to download."""

    name: str
    uri: str
    sha256: str
    bytes: int


WAIT_SECONDS = 1800
"""For another download of this user to end."""

Progress = Callable[[str, int, int], None]
"""Told ``(what, done, total)`` while bytes arrive; both in bytes."""


def quiet(what: str, done: int, total: int) -> None:
    """Progress for callers that show none."""


class Store:
    """Content-addressed files: nothing gets its name before its digest is right."""

    def __init__(self) -> None:
        """The store below the cache; made when first used."""
        self.folder = cache() / "store"
        self.digests = DigestCache(self.folder / "digests.json")

    def path(self, sha256: str) -> Path:
        """Where the bytes of this digest lie, if they are here."""
        return self.folder / sha256[:2] / sha256

    def find(self, sha256: str) -> Path | None:
        """The bytes of this digest, here or carried in by hand; ``None`` when they are nowhere.

        A file that was damaged (a mirror's file is a hard link to it) is forgotten rather than given.
        """
        for place in (self.path(sha256), carried() / sha256) if sha256 else ():
            try:
                if self.digests.digest(place) == sha256:
                    return place
            except FileNotFoundError:
                continue
            place.unlink()
        return None

    def take(self, file: Path, sha256: str) -> Path:
        """Move a file in, under its digest.

        Raises:
            ArtifactError: its digest is another one; the file is removed then, so that it is not resumed.
        """
        found = sha256_of(file)
        if found != sha256:
            file.unlink()
            raise ArtifactError(f"{file.name} has SHA-256 {found}, expected {sha256}")
        place = self.path(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.chmod(0o644)
        file.replace(place)
        return place

    def put(self, file: Path, expected: str = "") -> str:
        """Copy a file in; returns its digest.

        Raises:
            ArtifactError: it is not the one expected.
        """
        sha256 = sha256_of(file)
        if expected and sha256 != expected:
            raise ArtifactError(f"{file.name} has SHA-256 {sha256}, expected {expected}")
        if self.find(sha256) is None:
            self._partial().mkdir(parents=True, exist_ok=True)
            copy = self._partial() / f"{sha256}.{os.getpid()}"
            shutil.copyfile(file, copy)
            self.take(copy, sha256)
        return sha256

    def put_bytes(self, content: bytes) -> str:
        """Keep these bytes; returns their digest."""
        sha256 = hashlib.sha256(content).hexdigest()
        if self.find(sha256) is None:
            self._partial().mkdir(parents=True, exist_ok=True)
            fresh = self._partial() / f"{sha256}.{os.getpid()}"
            fresh.write_bytes(content)
            self.take(fresh, sha256)
        return sha256

    def fetch(self, wanted: Sequence[Wanted], root: AptRoot, progress: Progress = quiet) -> None:
        """Download what is not here yet, side by side, resuming what an earlier run began.

        Raises:
            ArtifactError: something could not be had; what did arrive is kept.
        """
        if all(self.find(want.sha256) for want in wanted):
            return
        self._partial().mkdir(parents=True, exist_ok=True)
        with (self.folder / "downloads.lock").open("w") as guard:
            _hold(guard, progress)
            missing = {want.sha256: want for want in wanted if self.find(want.sha256) is None}
            if missing:
                self._download(missing, root, progress, guard.fileno())

    def _download(self, missing: Mapping[str, Wanted], root: AptRoot, progress: Progress, guard: int) -> None:
        total = sum(want.bytes for want in missing.values())
        failures: list[str] = []
        with ThreadPoolExecutor(WORKERS) as pool:
            jobs = [pool.submit(self._batch, batch, root, guard) for batch in _batches(list(missing.values()))]
            pending = set(jobs)
            while pending:
                _, pending = wait(pending, timeout=0.5)
                progress("download", self._arrived(missing), total)
            for job in as_completed(jobs):
                failures += job.result()
        if failures:
            raise ArtifactError(
                f"{len(failures)} of {len(missing)} downloads failed; what arrived is kept:\n  "
                + "\n  ".join(failures[:5]),
                fix="run it again; it goes on where it stopped",
            )

    def _batch(self, batch: Sequence[Wanted], root: AptRoot, guard: int) -> list[str]:
        partial = {want.sha256: self._partial() / want.sha256 for want in batch}
        seconds = 120 + sum(want.bytes for want in batch) / SLOWEST_BYTES_PER_SECOND
        said = download(root, [(want.uri, partial[want.sha256], want.sha256) for want in batch], seconds, guard)
        failures = []
        for want in batch:
            file = partial[want.sha256]
            if not file.exists() or (want.bytes and file.stat().st_size < want.bytes):
                failures.append(f"{want.name}: {said or 'did not arrive'}")
                continue
            try:
                self.take(file, want.sha256)
            except ArtifactError as error:
                failures.append(f"{want.name}: {error.message}")
        return failures

    def _arrived(self, wanted: Mapping[str, Wanted]) -> int:
        """Bytes of these that are here, whole or in part."""
        arrived = 0
        for sha256, want in wanted.items():
            partial = self._partial() / sha256
            try:
                arrived += want.bytes if self.path(sha256).exists() else min(partial.stat().st_size, want.bytes)
            except FileNotFoundError:
                continue
        return arrived

    def _partial(self) -> Path:
        return self.folder / "partial"


def _hold(guard: TextIO, progress: Progress) -> None:
    """One download at a time, so that no two write one partial file.

    apt inherits the lock: where a killed run left it downloading, the next run waits for its end and goes on.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            progress("waiting for another download to end", 0, 0)
        if time.monotonic() > deadline:
            raise ArtifactError(
                f"another download still holds {guard.name} after {WAIT_SECONDS} s", fix="look for apt-helper processes"
            )
        time.sleep(0.2)


def _batches(wanted: Sequence[Wanted]) -> list[list[Wanted]]:
    """Batches of about equal bytes, a few for each worker, so that one slow file holds up little."""
    batches: list[list[Wanted]] = [[] for _ in range(min(len(wanted), WORKERS * 3))]
    for index, want in enumerate(sorted(wanted, key=lambda want: -want.bytes)):
        batches[index % len(batches)].append(want)
    return batches


def place_file(source: Path, target: Path) -> None:
    """Have ``target`` be the bytes of ``source``: a hard link where it can be one, else a copy; in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        fresh.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, fresh)
        fresh.chmod(0o644)
    fresh.replace(target)

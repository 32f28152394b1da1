"""A site with a mirror of its own, as its operator sees it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from patience import patience

from greenfield.artifacts.lock import ImageArtifact
from greenfield.artifacts.registry_layout import blobs

GREENFIELD = str(Path(sys.executable).with_name("greenfield"))
ANSWER_SECONDS = 20


@dataclass(frozen=True)
class Site:
    """A spec folder with its mirror."""

    spec: Path
    folder: Path
    environment: dict[str, str]

    def greenfield(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line against this mirror."""
        command = [GREENFIELD, *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=600, check=False)


def flip(victim: Path) -> None:
    """Change one byte of a mirror's file, and put the modification time back: the clumsy attacker's trick.

    The file becomes a copy first: it is a hard link into the cache, which other mirrors of this machine share.
    """
    content = bytearray(victim.read_bytes())
    times = victim.stat()
    content[len(content) // 2] ^= 1
    fresh = victim.with_name(f"{victim.name}.flipped")
    fresh.write_bytes(content)
    fresh.replace(victim)
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))


def archive_of(image: ImageArtifact, mirror: Path, name: str, folder: Path) -> tuple[Path, str]:
    """An image of a mirror under any name, as ``skopeo copy`` would write it: the OCI archive and its SHA-256."""
    layout = folder / "layout"
    (layout / "blobs" / "sha256").mkdir(parents=True)
    for path, sha256 in blobs(image):
        shutil.copyfile(mirror / path, layout / "blobs" / "sha256" / sha256)
    descriptor = {"digest": f"sha256:{image.sha256}", "annotations": {"io.containerd.image.name": name}}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    archive = folder / "image.tar"
    subprocess.run(["tar", "-C", layout, "-cf", archive, "."], check=True, timeout=60)
    return archive, hashlib.sha256(archive.read_bytes()).hexdigest()


def free_address() -> str:
    """ADDRESS:PORT on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def served(site: Site, listen: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """``greenfield mirror serve`` while the block runs."""
    log = site.folder.parent / f"serve-{listen}.log"
    command = [GREENFIELD, "mirror", "serve", str(site.spec), "--listen", listen, *options]
    with log.open("w") as stream:
        process = subprocess.Popen(command, env=site.environment, stderr=stream)
    try:
        wait_for(listen, process, log)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def wait_for(listen: str, process: subprocess.Popen[bytes] | None = None, log: Path | None = None) -> None:
    """Wait until something takes connections there."""
    host, port = listen.split(":")
    deadline = time.monotonic() + patience(ANSWER_SECONDS)
    while time.monotonic() < deadline:
        assert process is None or process.poll() is None, log and log.read_text()
        try:
            with socket.create_connection((host, int(port)), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(
        f"{listen} did not answer within {patience(ANSWER_SECONDS):.0f} s; it said: {log and log.read_text()}"
    )

"""A mirror of the example site, synced from nothing but the cache into a folder of its own, and served by nginx."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mirrored import GREENFIELD, Site

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "lab"
ANSWER_SECONDS = 20


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The example site under a folder of mirrors of its own, synced."""
    base = tmp_path_factory.mktemp("m")
    spec = base / "spec"
    shutil.copytree(EXAMPLE, spec, ignore=shutil.ignore_patterns("mirror.lock.json", ".access"))
    environment = {**os.environ, "GREENFIELD_MIRROR_DIR": str(base / "mirrors")}
    made = Site(spec, base / "mirrors" / "lab", environment)
    done = made.greenfield("mirror", "sync", str(spec))
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def url(site: Site) -> Iterator[str]:
    """The mirror, served by ``greenfield mirror serve`` on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [GREENFIELD, "mirror", "serve", str(site.spec), "--listen", listen]
    log = site.folder.parent / "serve.log"
    with log.open("w") as stream:
        process = subprocess.Popen(command, env=site.environment, stderr=stream)
    try:
        _answers(listen, process, log)
        yield f"http://{listen}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(listen: str, process: subprocess.Popen[bytes], log: Path) -> None:
    host, port = listen.split(":")
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with socket.create_connection((host, int(port)), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{listen} did not answer within {ANSWER_SECONDS} s; it said: {log.read_text()}")

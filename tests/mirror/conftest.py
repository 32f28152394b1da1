"""A mirror of the example site, synced from nothing but the cache into a folder of its own, and served by nginx."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mirrored import Site, free_address, served, wait_for

SEAT = {"beside": True, "reads": ["examples/lab"], "setup_seconds": 10}
"""What the runner has to know of it (prove/event.py)."""

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "lab"


RUNNERS = """
    runners:
      kind: containers
      version: "1.6"
      pool: data
      hosts: 2
      dataProtection: {owner: platform, class: internal, rpo: 24h, rto: 4h, retention: 1d}
"""
"""An engine that needs an image, to go with those of the example."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The example site under a folder of mirrors of its own, synced."""
    return _synced(tmp_path_factory.mktemp("m"), "")


@pytest.fixture(scope="session")
def image_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The example site with hosts that run containers, synced."""
    return _synced(tmp_path_factory.mktemp("i"), RUNNERS)


@pytest.fixture(scope="session")
def url(site: Site) -> Iterator[str]:
    """The mirror, served by ``greenfield mirror serve`` on loopback."""
    listen = free_address()
    with served(site, listen):
        yield f"http://{listen}"


@pytest.fixture(scope="session")
def registry(image_site: Site) -> Iterator[str]:
    """ADDRESS:PORT of the images' registry, served beside the mirror on loopback."""
    listen, images = free_address(), free_address()
    with served(image_site, listen, "--registry-port", images.split(":")[1]):
        wait_for(images)
        yield images


def _synced(base: Path, more: str) -> Site:
    spec = base / "spec"
    shutil.copytree(EXAMPLE, spec, ignore=shutil.ignore_patterns("mirror.lock.json", ".access", "*.placement.json"))
    cluster = spec / "cluster.yaml"
    cluster.write_text(cluster.read_text().replace("  engines:\n", f"  engines:{more}" if more else "  engines:\n"))
    environment = {**os.environ, "GREENFIELD_MIRROR_DIR": str(base / "mirrors")}
    made = Site(spec, base / "mirrors" / "lab", environment)
    done = made.greenfield("mirror", "sync", str(spec))
    assert done.returncode == 0, done.stderr
    return made

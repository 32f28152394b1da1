"""One control plane for all tests of what is declared on Kubernetes; each test works in namespaces of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from control_plane import ControlPlane, control_plane
from stack import Stack

SEAT = {
    "engines": {"kubernetes": "1.35"},
    "beside": True,
    "memory_gib": 2,
    "tools": ["kubernetes-1.35", "pulumi-kubernetes"],
    "setup_seconds": 15,
}
"""What the runner has to know of it (prove/event.py)."""


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane without nodes."""
    with control_plane(tmp_path_factory.mktemp("plane")) as started:
        yield started


@pytest.fixture
def stack(plane: ControlPlane, tmp_path: Path) -> Stack:
    """An empty stack on it."""
    return Stack(tmp_path / "stack", plane.kubeconfig)

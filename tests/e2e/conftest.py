"""One lab and one delivery for all end-to-end tests, which run in the order of the file: a cluster's life."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from delivery import Delivery
from example import REPO

KEEP = "GREENFIELD_KEEP_LAB"
"""Set to 1, this goes on with the lab and the state of the run before, and leaves them."""


@pytest.fixture(scope="module")
def delivery(request: pytest.FixtureRequest) -> Iterator[Delivery]:
    """Bare hosts in three racks, and a spec that nothing was delivered from yet; a module's SEAT says which.

    They go before the next module's come: the machine has few of some things (docs/lab.md, "Kernel").
    """
    seat = getattr(request.module, "SEAT", {})
    folder = REPO / "build" / seat.get("site", "e2e")
    keep = os.environ.get(KEEP) == "1"
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    made = Delivery(folder, **seat)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENFIELD_MIRROR_DIR", made.environment["GREENFIELD_MIRROR_DIR"])
        prepare = getattr(request.module, "prepare", None)
        if prepare and made.fresh:
            prepare(made)
        if not keep:
            made.lab.down()
        synced = made.greenfield("mirror", "sync", str(made.spec), timeout=1800)
        assert synced.returncode == 0, synced.stdout
        made.lab.up()
        yield made
        if not keep:
            made.lab.down()


@pytest.fixture
def spec_restored(delivery: Delivery) -> Iterator[Delivery]:
    """The delivery, with the spec as it was and every fault undone afterwards."""
    yield delivery
    delivery.lab.clear()
    delivery.restore_spec()

"""The example lab: an etcd of three members and a Redis of three shards on nine hosts in three racks."""

from __future__ import annotations

import pytest
from delivery import Delivery
from seat import bare_hosts

SEAT = {
    "engines": {"etcd": "3.6", "redis": "7.0"},
    "alone": False,
    "inotify": 41,
    "memory_gib": 4,
    "tools": [],
    "reads": ["examples/lab"],
    "setup_seconds": 150,
}


@pytest.fixture(scope="session")
def delivery() -> Delivery:
    """Bare hosts, and a spec that nothing was delivered from yet."""
    return bare_hosts("lab", site="e2e", network=79)

"""The cluster is as its standard wants it, both engines' drills included."""

from __future__ import annotations

import pytest
from acceptance import accepted
from delivery import Delivery, Figure

PROVES = ("kubernetes/accept-on-etcd", "etcd/accept-under-kubernetes")
ORDER = 90


@pytest.mark.timeout(900)
def test_accepted(delivered: Delivery, record_property: Figure) -> None:
    accepted(delivered, record_property)

"""After all of this the cluster is as its standard wants it, and its report tells what its users noticed."""

from __future__ import annotations

import pytest
from delivery import Delivery, Figure
from probed_service import assert_accepted

PROVES = ("kubernetes/accept", "kubernetes-workers/accept")
ORDER = 90
FIXED = True


@pytest.mark.timeout(1200)
def test_accepted(delivered: Delivery, record_property: Figure) -> None:
    assert_accepted(delivered, record_property)

"""Deliveries, a run with nothing to do, and acceptance on the lab of the example."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from measured import met

from bench import lab

PROVES = ("goals/lab",)
ORDER = 30


@pytest.mark.timeout(1200)
def test_goals_of_lab(record_property: Callable[[str, object], None]) -> None:
    met(lab.measure, "lab", record_property)

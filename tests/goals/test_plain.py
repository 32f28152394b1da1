"""Bare hosts to the same outcome, beside plain ansible-playbook."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from measured import met

from bench import lab

PROVES = ("goals/plain",)
ORDER = 40


@pytest.mark.timeout(1200)
def test_goals_of_plain(record_property: Callable[[str, object], None]) -> None:
    met(lab.measure_small, "plain", record_property)

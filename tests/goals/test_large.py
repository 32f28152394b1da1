"""Load, validate and plan ten thousand hosts, beside PyYAML and jsonschema."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from measured import met

from bench import large

PROVES = ("goals/large",)
ORDER = 10


@pytest.mark.timeout(1200)
def test_goals_of_large(record_property: Callable[[str, object], None]) -> None:
    met(large.measure, "large", record_property)

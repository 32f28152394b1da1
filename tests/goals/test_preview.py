"""Preview of ten thousand hosts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from measured import met

from bench import preview

PROVES = ("goals/preview",)
ORDER = 20


@pytest.mark.timeout(1200)
def test_goals_of_preview(record_property: Callable[[str, object], None]) -> None:
    met(preview.measure, "preview", record_property)

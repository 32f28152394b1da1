"""An API under a hundred nodes and a thousand pods."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from measured import met

from bench import kubernetes_scale

PROVES = ("goals/kubernetes",)
ORDER = 60

OPTIONS = kubernetes_scale.Options(kubernetes_scale.SMALL_NODES, kubernetes_scale.SMALL_PODS, None)


@pytest.mark.timeout(1200)
def test_goals_of_kubernetes(record_property: Callable[[str, object], None]) -> None:
    met(partial(kubernetes_scale.measure, options=OPTIONS), "kubernetes", record_property)

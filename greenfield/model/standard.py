"""A standard: the controls a delivery is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Control:
    """One rule.

    Attributes:
        id: e.g. ``HOST-001``, ``ETCD-004``; unique in a standard; a test is marked with it.
        title: the claim, in the present tense.
        group: ``host``, an engine kind (``etcd``, ``redis``) or ``restore``.
        source: where the rule comes from (a CIS section, an engine's production checklist).
        scope: ``host`` is judged on each host, ``engine`` once per engine.
        thresholds: numbers a test compares with, in base units.
    """

    id: str
    title: str
    group: str
    source: str
    scope: Literal["host", "engine"]
    thresholds: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standard:
    """A named set of controls, keyed by id."""

    name: str
    title: str
    controls: Mapping[str, Control]

"""Images that objects of Kubernetes name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

CONTAINERS = ("containers", "initContainers")


def images_of(thing: Any) -> Iterator[str]:
    """Every image that containers in an object name, wherever its pods are described."""
    if isinstance(thing, Mapping):
        for key, value in thing.items():
            if key in CONTAINERS and isinstance(value, Sequence):
                yield from (str(each["image"]) for each in value if isinstance(each, Mapping) and "image" in each)
            else:
                yield from images_of(value)
    elif isinstance(thing, Sequence) and not isinstance(thing, str | bytes):
        for each in thing:
            yield from images_of(each)

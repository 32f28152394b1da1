"""Images that objects of Kubernetes name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

FULL_NAME = re.compile(
    r"(?P<host>[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?)/(?P<path>[a-z0-9._/-]+):(?P<tag>[A-Za-z0-9_][\w.-]{0,127})"
)
"""An image's name with host and tag: neither is ever implied, and a digest is what the mirror's lock pins."""

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

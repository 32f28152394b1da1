"""Where two versions of a resource's inputs differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from greenfield.kubernetes_provider.immutable import Path, is_fixed
from greenfield.provider.values import UNKNOWN

PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``fixed``: the object must be made anew for it."""

    path: Path
    how: Literal["add", "update", "delete"]
    fixed: bool

    @property
    def text(self) -> str:
        """The path as Pulumi writes it: ``metadata.labels["a.b/c"]``."""
        written = ""
        for step in self.path:
            if isinstance(step, int):
                written += f"[{step}]"
            elif PLAIN.match(step):
                written += f".{step}" if written else step
            else:
                quoted = step.replace("\\", "\\\\").replace('"', '\\"')
                written += f'["{quoted}"]'
        return written


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Every difference, in the order of the new inputs."""
    kind = str(new.get("kind"))
    found = [Change(path, how, is_fixed(kind, path, old)) for path, how in _walk(old, new, ())]
    if _group(old) == _group(new):
        return found
    return [*found, Change(("apiVersion",), "update", True)]


def _group(values: Mapping[str, Any]) -> str:
    """Group of an API version. Another version of the same group is the same object."""
    version = str(values.get("apiVersion", ""))
    return version.rpartition("/")[0]


How = Literal["add", "update", "delete"]


def _walk(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, How]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _entries(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _entries(dict(enumerate(old)), dict(enumerate(new)), path)
    elif new is UNKNOWN or old != new:
        yield path, "update"


def _entries(old: Mapping[Any, Any], new: Mapping[Any, Any], path: Path) -> Iterator[tuple[Path, How]]:
    for key, value in new.items():
        if key in old:
            yield from _walk(old[key], value, (*path, key))
        else:
            yield (*path, key), "add"
    for key in old:
        if key not in new:
            yield (*path, key), "delete"

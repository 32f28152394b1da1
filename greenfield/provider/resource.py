"""What every resource type of the plugin answers. Values are plain; the servicer marks secrets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from greenfield.errors import ProviderError

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """What an update would do.

    Attributes:
        paths: property paths that differ, e.g. ``hosts["r1-h1"]``; empty means nothing changes.
        replaces: paths that can only change by making the resource anew.
        reasons: sentences for people, shown in preview.
    """

    paths: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """The resource a request is about."""

    urn: str
    name: str
    preview: bool = False


@dataclass(slots=True, eq=False)
class PartialFailureError(ProviderError):
    """Some of a resource came to be: its state is kept, it is marked failed, and the next run goes on from there.

    ``identity`` is what the engine shall know it by; by default its name.
    """

    state: Values = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    identity: str = ""

    def __post_init__(self) -> None:
        ProviderError.__init__(self, "\n".join(self.reasons))


class Resource(ABC):
    """One resource type of the plugin."""

    secrets: ClassVar[frozenset[str]] = frozenset()
    """Names of inputs and outputs that are secret."""

    immutable: ClassVar[tuple[str, ...]] = ()
    """Inputs whose change makes the resource anew."""

    def check(self, inputs: Values) -> list[tuple[str, str]]:
        """Faults of the inputs as (property, reason)."""
        return []

    def diff(self, old: Values, inputs: Values) -> Difference:
        """Compare the state with new inputs: by default any input that differs."""
        paths = tuple(key for key, value in inputs.items() if old.get(key) != value)
        return Difference(paths, tuple(path for path in paths if path in self.immutable))

    @abstractmethod
    async def create(self, call: Call, inputs: Values) -> Values:
        """Make it; returns the whole state (inputs and outputs). In preview, returns what is known."""

    async def update(self, call: Call, old: Values, inputs: Values) -> Values:
        """Change it; returns the whole state."""
        return {**old, **inputs}

    async def read(self, call: Call, state: Values) -> Values:
        """Look at what is really there; returns the state with what was found."""
        return state

    async def delete(self, call: Call, state: Values) -> None:
        """Take it away; a resource that only lives in the state needs nothing done."""
        return


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Keys whose values differ, in the new order, then those that went."""
    return [key for key in new if old.get(key) != new[key]] + [key for key in old if key not in new]

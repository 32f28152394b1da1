"""How an engine's version may change once it stands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VersionPath:
    """Which versions can be reached from which.

    Attributes:
        product: whose rule it is, as a reader knows it, e.g. ``Kubernetes``.
        every_minor: whether an upgrade has to stop at each minor version in between.
        no_way_back: why no version goes back in place; empty where it may.
        way_back: what to do instead of going back.
    """

    product: str
    every_minor: bool = False
    no_way_back: str = ""
    way_back: str = ""

    def refusal(self, standing: Sequence[str], wanted: str, supported: Collection[str] = ()) -> tuple[str, str] | None:
        """Why ``wanted`` can't be reached from where the members stand, and what to do; ``None`` when it can.

        Args:
            standing: every version that a member may be on; more than one while an upgrade is not finished.
            wanted: the version of the spec.
            supported: versions that a spec may ask for; others that the way names are pointed out.

        Raises:
            ValueError: a version is no list of numbers with dots in between.
        """
        known = sorted(standing, key=parse)
        if not known:
            return None
        oldest, newest = known[0], known[-1]
        if self.no_way_back and parse(wanted) < parse(newest):
            return self._back(oldest, newest, wanted, supported)
        if self.every_minor and not _next(parse(oldest), parse(wanted)):
            return self._skip(oldest, newest, wanted, supported)
        return None

    def _back(self, oldest: str, newest: str, wanted: str, supported: Collection[str]) -> tuple[str, str]:
        begun = f" (an upgrade from {oldest} to {newest} has begun)" if oldest != newest else ""
        message = f"{newest} is deployed{begun} and can't become {wanted}: {self.no_way_back}"
        untouched = f"; if no member was touched yet, take {newest} out of the placement record" if begun else ""
        whose = " with the release of Greenfield that knows it" if supported and newest not in supported else ""
        return message, f'set version "{newest}"{whose}; {self.way_back}{untouched}'

    def _skip(self, oldest: str, newest: str, wanted: str, supported: Collection[str]) -> tuple[str, str]:
        old, new = parse(oldest), parse(wanted)
        if old[0] != new[0]:
            message = f"{oldest} is deployed; {self.product} does not upgrade to {wanted} in place"
            return message, f'set version "{newest}"; deliver an engine of {wanted} beside it and move the data'
        step = f"{old[0]}.{old[1] + 1}"
        begun = f" on some members, as the upgrade to {newest} is not finished" if oldest != newest else ""
        message = (
            f"{oldest} is deployed{begun}; {self.product} upgrades one minor version at a time; go through {step} first"
        )
        rest = [f"{old[0]}.{minor}" for minor in range(old[1] + 2, new[1])]
        steps = ", up, then ".join(f'"{version}"' for version in (step, *rest, wanted))
        gone = [version for version in (step, *rest) if supported and version not in supported]
        earlier = f" ({', '.join(gone)} with an earlier release of Greenfield)" if gone else ""
        return message, f"set version {steps}{earlier}"


def parse(version: str) -> tuple[int, ...]:
    """A version as numbers that compare.

    Raises:
        ValueError: it is no list of numbers with dots in between.
    """
    return tuple(int(part) for part in version.split("."))


def _next(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Whether ``new`` is of the same minor version as ``old``, or of the one after it."""
    return old[0] == new[0] and 0 <= new[1] - old[1] <= 1

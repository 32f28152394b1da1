"""Which controls are judged on which targets."""

from __future__ import annotations

from collections.abc import Iterable

from greenfield.errors import VerifyError
from greenfield.model.standard import Control, Standard
from greenfield.plan import Plan
from greenfield.spec.explain import hint


def targets(plan: Plan, control: Control, kind: str = "") -> tuple[str, ...]:
    """Hosts or engines that a control is judged on. ``kind`` is the engine kind of a test whose group is none."""
    if control.scope == "host":
        return tuple(plan.hosts)
    wanted = kind or control.group
    return tuple(name for name, engine in plan.cluster.engines.items() if engine.kind == wanted)


def hosts_of(plan: Plan, control: Control, target: str) -> tuple[str, ...]:
    """Hosts that a check of a control on a target concerns."""
    if control.scope == "host":
        return (target,)
    return tuple(member.host for member in plan.members_of(target))


class Selection:
    """What ``--only`` leaves: words that name a group, a control, a host or an engine; no words leave everything.

    Words of one sort add up, sorts narrow each other: ``host r1-h1 r1-h2`` is the host group on two hosts.

    Raises:
        VerifyError: a word names nothing.
    """

    def __init__(self, words: Iterable[str], standard: Standard, plan: Plan) -> None:
        self.words = tuple(words)
        groups = {control.group for control in standard.controls.values()}
        places = {*plan.hosts, *plan.cluster.engines}
        known = [*sorted(groups), *standard.controls, *sorted(places)]
        for word in self.words:
            if word not in known:
                raise VerifyError(f'--only "{word}" names no group, control, host or engine', fix=hint(word, known))
        self._claims = {word for word in self.words if word in groups or word in standard.controls}
        self._places = {word for word in self.words if word in places}

    def __contains__(self, check: tuple[Control, str]) -> bool:
        control, target = check
        return (not self._claims or control.id in self._claims or control.group in self._claims) and (
            not self._places or target in self._places
        )

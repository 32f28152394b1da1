"""From what pytest saw to what a check is worth: a pass, a fail, an error, or waived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from greenfield.model.cluster import Waiver
from greenfield.model.standard import Control
from greenfield.verify.results import CheckResult, Evidence, Outcome, WaiverNote


def waiver_for(waivers: Iterable[Waiver], control: str, hosts: Iterable[str], today: date) -> WaiverNote | None:
    """The waiver that applies to a control on hosts (those of the check's target), expired or not.

    A waiver counts through its last day. One that still counts is preferred over one that has expired. A waiver that
    names hosts applies only where it names all of them.
    """
    concerned = set(hosts)
    found = [w for w in waivers if w.control == control and (not w.hosts or concerned <= set(w.hosts))]
    if not found:
        return None
    best = max(found, key=lambda waiver: waiver.until)
    return WaiverNote(best.owner, best.reason, best.until, expired=today > best.until)


def judge(
    control: Control,
    target: str,
    found: Outcome,
    waiver: WaiverNote | None,
    *,
    message: str = "",
    note: str = "",
    seconds: float = 0.0,
    figures: Mapping[str, float] | None = None,
    evidence: tuple[Evidence, ...] = (),
) -> CheckResult:
    """One check's result. Only a waiver that has not expired turns a fail or an error into ``waived``."""
    counts = waiver is not None and not waiver.expired and found in ("failed", "error")
    if waiver is not None and waiver.expired and found != "passed":
        message = f"{message} (the waiver of {waiver.owner} expired on {waiver.until})".strip()
    return CheckResult(
        control=control.id,
        title=control.title,
        group=control.group,
        source=control.source,
        scope=control.scope,
        target=target,
        outcome="waived" if counts else found,
        found=found,
        seconds=round(seconds, 4),
        message=message,
        note=note,
        figures=dict(figures or {}),
        evidence=evidence,
        waiver=waiver,
    )

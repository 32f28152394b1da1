"""Results as JUnit XML, the form that every CI system reads."""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from greenfield.verify.availability import Availability
from greenfield.verify.results import CheckResult, RunResult

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can't hold, even escaped."""

SKIPPED = {"waived", "inapplicable"}
"""Outcomes that JUnit has one word for; the message tells them apart."""


def junit(run: RunResult) -> bytes:
    """The run as JUnit: a suite for each group, a case for each check; waived and inapplicable checks are skipped, with
    the waiver or the reason.

    What each probe saw are properties of a suite without cases: numbers, not a verdict.
    """
    root = Element("testsuites", name=f"acceptance of {run.identity.cluster}", time=f"{run.seconds:.3f}")
    _counts(root, list(run.checks))
    for group, checks in groupby(sorted(run.checks, key=lambda check: check.group), key=lambda check: check.group):
        cases = list(checks)
        suite = SubElement(root, "testsuite", name=group, timestamp=run.identity.started[:19])
        suite.set("time", f"{sum(check.seconds for check in cases):.3f}")
        _counts(suite, cases)
        for check in cases:
            _case(suite, check)
    for probe in run.probes:
        _probe(SubElement(root, "testsuite", name=f"availability.{probe.name}", timestamp=probe.began[:19]), probe)
    indent(root)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _counts(element: Element, checks: list[CheckResult]) -> None:
    element.set("tests", str(len(checks)))
    for attribute, outcomes in (("failures", {"failed"}), ("errors", {"error"}), ("skipped", SKIPPED)):
        element.set(attribute, str(sum(check.outcome in outcomes for check in checks)))


def _case(suite: Element, check: CheckResult) -> None:
    case = SubElement(suite, "testcase", classname=f"{check.group}.{check.target}", time=f"{check.seconds:.3f}")
    case.set("name", f"{check.control} {check.title}")
    message = FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", check.message)
    if check.outcome == "failed":
        SubElement(case, "failure", message=message).text = _evidence(check)
    elif check.outcome == "error":
        SubElement(case, "error", message=message).text = _evidence(check)
    elif check.outcome == "waived" and check.waiver:
        waiver = check.waiver
        words = f"waived until {waiver.until} by {waiver.owner}: {waiver.reason} ({message})"
        SubElement(case, "skipped", message=FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", words))
    elif check.outcome == "inapplicable":
        SubElement(case, "skipped", message=f"not applicable: {message}")
    if check.figures:
        properties = SubElement(case, "properties")
        for name, value in check.figures.items():
            SubElement(properties, "property", name=name, value=f"{value:g}")


def _probe(suite: Element, probe: Availability) -> None:
    suite.set("time", f"{probe.seconds:.3f}")
    _counts(suite, [])
    properties = SubElement(suite, "properties")
    for name, value in probe.to_json().items():
        if name == "errors":
            for kind, count in probe.errors.items():
                words = FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", kind)
                SubElement(properties, "property", name=f"error: {words}", value=str(count))
        else:
            SubElement(properties, "property", name=name, value=str(value).lower() if name == "ended" else str(value))


def _evidence(check: CheckResult) -> str:
    lines = []
    for item in check.evidence:
        lines.append(
            f"[{item.started}] {item.host}$ {item.command}\nexit status {item.rc}\n{item.stdout}\n{item.stderr}"
        )
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", "\n".join(lines))

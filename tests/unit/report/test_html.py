"""The HTML report: complete, self-contained, and safe with whatever hosts print."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from lab_shape import build_site, lab_cluster
from results_shape import EXPIRED, PROBE, VALID, check, control, evidence, run

from greenfield.plan import Plan, make_plan
from greenfield.report.html import PASSES_SHOWN, html
from greenfield.spec import load

VOID = {"meta", "br", "link", "img", "input", "hr"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(build_site(), lab_cluster())


class Page(HTMLParser):
    """What a page refers to, and whether its elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.headings: list[int] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_verdict_comes_first(plan: Plan) -> None:
    text = html(run(check()), plan)
    assert text.index("✓ Accepted") < text.index("Where everything stands") < text.index("Controls")
    assert "Cluster orders on site lab meets every control of idc-2026." in text


def test_the_page_needs_nothing_else_and_nests(plan: Plan) -> None:
    page = Page(html(run(check(), check("failed", target="r1-h2"), check("failed", waiver=VALID)), plan))
    assert page.references == []
    assert "script" not in page.tags
    assert page.open == []
    assert page.headings[0] == 1 and max(b - a for a, b in zip(page.headings, page.headings[1:], strict=False)) <= 1
    assert "url(" not in html(run(check()), plan).replace("url(#", "")


def test_what_hosts_print_is_shown_and_never_run(plan: Plan) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    text = html(run(check("failed", message=evil, evidence=(evidence(evil, command=evil),))), plan)
    assert "<script" not in text and "<img" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


def test_every_check_unfolds_to_its_evidence(plan: Plan) -> None:
    text = html(run(check(evidence=(evidence("6.1.0", command="uname -r", host="r1-h1"),))), plan)
    assert re.search(
        r"r1-h1 · 2026-11-21 10:00:01 UTC · 4 ms · exit status 0</p>\s*<pre><b>\$ uname -r</b>\s*6\.1\.0", text
    )


def test_failures_waivers_and_expired_waivers_are_told_apart(plan: Plan) -> None:
    text = html(
        run(
            check("failed", message="the disk is full"),
            check("failed", waiver=VALID, target="r1-h2"),
            check("failed", waiver=EXPIRED, of=control("HOST-009")),
        ),
        plan,
    )
    assert "✗ Not accepted" in text and "the disk is full" in text
    assert "the lab shares one kernel" in text and "expired 2026-01-31" in text


def test_many_passes_of_one_control_are_counted_not_listed(plan: Plan) -> None:
    checks = [check(target=f"h{number}") for number in range(PASSES_SHOWN + 25)]
    text = html(run(*checks), plan)
    assert "25 more passed" in text
    assert "<strong>h0</strong>" in text and f"<strong>h{PASSES_SHOWN + 24}</strong>" not in text


def test_hosts_are_drawn_with_their_verdict(plan: Plan) -> None:
    text = html(run(check("failed"), check(target="r1-h2")), plan)
    assert text.count("<svg") == 3
    assert 'class="gfe-fail"' in text and "✗" in text


def test_what_does_not_apply_says_why(plan: Plan) -> None:
    page = html(run(check(), check("inapplicable", target="r1-h2", message="the spec gives k8s no workers")), plan)
    assert "not applicable" in page
    assert '<p class="message inapplicable">the spec gives k8s no workers</p>' in page


def test_a_run_that_judged_nothing_says_so(plan: Plan) -> None:
    text = html(run(), plan)
    assert "! Not judged" in text and "could not be judged: no check was run." in text


def test_what_probes_saw_has_a_section_of_its_own(plan: Plan) -> None:
    unseen = replace(PROBE, name="bad", failed=3412, errors={"<b>HTTP 503</b>": 3412}, ended=False, reconnects=0)
    text = html(run(check(), probes=(PROBE, unseen)), plan)
    section = re.search(r'<section aria-labelledby="availability">.*?</section>', text, re.DOTALL).group()
    words = " ".join(re.sub(r"<[^>]+>", " ", section).split())
    assert "shop from r1-h1 http://10.112.7.9:8080/health 3,412" in words
    assert "every 0.2 s for 11.4 min, 2026-11-21 09:00:00 UTC to 2026-11-21 09:11:23 UTC" in words
    assert "1 (0.03 %) 1 × connection refused 0.4 s from 2026-11-21 09:04:07 UTC 2.5 s connected again 1 time" in words
    assert "the probe had not ended" in words and "3,412 (100.00 %)" in words
    assert "&lt;b&gt;HTTP 503" in section and "<b>HTTP" not in section
    assert Page(text).open == []


def test_without_probes_nothing_is_said_of_availability(plan: Plan) -> None:
    assert "Availability" not in html(run(check()), plan)


def test_workers_are_drawn_with_the_verdict_of_the_engine_that_they_belong_to() -> None:
    """They have no controls of their own, and are not drawn as if nobody had judged them."""
    cluster, site = load([Path(__file__).parents[3] / "examples" / "kubernetes"]).cluster()
    plan = make_plan(site, cluster)
    checks = [check(target=host) for host in plan.hosts]
    platform = control("K8S-001", "kubernetes", "engine")
    shown = replace(
        run(*checks), hosts=tuple(plan.hosts), engines={"platform": "kubernetes", "nodes": "kubernetes-workers"}
    )
    for outcome, mark in (("passed", "pass"), ("failed", "fail")):
        text = html(replace(shown, checks=(*checks, check(outcome, of=platform, target="platform"))), plan)
        assert text.count(f'<rect class="gfe-{mark}"') == len(plan.hosts)

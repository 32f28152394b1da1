"""JUnit XML: counts that CI systems add up, and text that XML can hold."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

from results_shape import PROBE, VALID, check, control, evidence, run

from greenfield.report.junit import junit


def test_counts_and_cases() -> None:
    etcd = control("ETCD-001", "etcd", "engine")
    root = fromstring(
        junit(
            run(check(), check("failed"), check("error", of=etcd, target="config-store"), check("failed", waiver=VALID))
        )
    )
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    assert [suite.get("name") for suite in root] == ["etcd", "host"]
    case = root.find(".//testcase[failure]")
    assert case.get("name") == "HOST-001 The claim of HOST-001"
    assert case.find("failure").get("message") == "it is wrong"
    assert "r1-h1$ uname -r" in case.find("failure").text


def test_a_waiver_is_told_where_it_is_used() -> None:
    skipped = fromstring(junit(run(check("failed", waiver=VALID)))).find(".//skipped")
    assert skipped.get("message").startswith("waived until 2027-01-31 by platform: the lab shares one kernel")


def test_what_does_not_apply_is_skipped_with_its_reason() -> None:
    root = fromstring(junit(run(check(), check("inapplicable", message="the spec gives k8s no workers"))))
    assert root.get("skipped") == "1"
    assert root.find(".//skipped").get("message") == "not applicable: the spec gives k8s no workers"


def test_characters_that_xml_forbids_are_replaced() -> None:
    shown = junit(run(check("failed", message="bell \x07", evidence=(evidence("\x1b[31mred\x00"),))))
    assert "bell \N{REPLACEMENT CHARACTER}" in fromstring(shown).find(".//failure").get("message")


def test_figures_are_properties() -> None:
    root = fromstring(junit(run(check(figures={"failover_seconds": 0.9}))))
    assert root.find(".//property").attrib == {"name": "failover_seconds", "value": "0.9"}


def test_what_probes_saw_are_properties_of_suites_without_cases() -> None:
    root = fromstring(junit(run(check(), probes=(PROBE,))))
    assert root.get("tests") == "1"
    suite = root.find("testsuite[@name='availability.shop']")
    assert suite.get("tests") == "0" and suite.find("testcase") is None
    found = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert {name: found[name] for name in ("target", "from", "asked", "failed", "longest_gap_seconds")} == {
        "target": "http://10.112.7.9:8080/health",
        "from": "r1-h1",
        "asked": "3412",
        "failed": "1",
        "longest_gap_seconds": "0.4",
    }
    assert found["unobserved_seconds"] == "2.5" and found["ended"] == "true"
    assert found["error: connection refused"] == "1"

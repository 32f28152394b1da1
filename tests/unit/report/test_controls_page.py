"""docs/controls.md is made from the standard, so that it can't drift."""

from __future__ import annotations

from pathlib import Path

from results_shape import control

from greenfield import content
from greenfield.model.standard import Standard
from greenfield.report.controls_page import controls_page
from greenfield.spec import load

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_in_docs_is_the_standards() -> None:
    standard = load([ROOT / "examples" / "lab", content.standards() / "idc-2026.yaml"]).standards["idc-2026"]
    shown = (ROOT / "docs" / "controls.md").read_text()
    assert shown == controls_page(standard), "run: greenfield controls > docs/controls.md"


def test_a_bar_in_a_title_does_not_break_the_table() -> None:
    page = controls_page(Standard("s", "S", {"A-001": control("A|1")}))
    assert "The claim of A\\|1" in page

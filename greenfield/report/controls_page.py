"""A standard as a page of Markdown: every control with its source, scope and thresholds."""

from __future__ import annotations

from itertools import groupby

from greenfield.model.standard import Control, Standard

TITLES = {"host": "Every host", "etcd": "etcd", "redis": "Redis Cluster", "restore": "Restore drills"}
SCOPES = {"host": "each host", "engine": "each engine"}


def controls_page(standard: Standard) -> str:
    """The page. Thresholds are in base units (bytes, seconds, ratios)."""
    lines = [
        f"# {standard.title}",
        "",
        f"<!-- Made from standards/{standard.name}.yaml by `greenfield controls`; do not edit. -->",
        "",
        f"The standard `{standard.name}` has {len(standard.controls)} controls. `greenfield verify` judges them all; "
        "thresholds are in base units (bytes, seconds, ratios).",
    ]
    for group, controls in groupby(standard.controls.values(), key=lambda control: control.group):
        lines += ["", f"## {TITLES.get(group, group)}", "", "| control | claim | judged on | thresholds | source |"]
        lines += ["| --- | --- | --- | --- | --- |", *(_row(control) for control in controls)]
    return "\n".join(lines) + "\n"


def _row(control: Control) -> str:
    thresholds = ", ".join(f"{name} {value:g}" for name, value in control.thresholds.items())
    cells = (control.id, control.title, SCOPES[control.scope], thresholds, control.source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

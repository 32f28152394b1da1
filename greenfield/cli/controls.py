"""``greenfield controls``: what a standard demands, as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from greenfield.cli.app import app

NOWHERE = "/dev/null"


@app.command()
def controls(
    standard: Annotated[str, typer.Argument(help="Name of the standard.")] = "idc-2026",
    *,
    spec: Annotated[
        Path | None, typer.Option(help="Spec with standards of its own; those that ship by default.", exists=True)
    ] = None,
) -> None:
    """Print the controls of a standard as Markdown, with their sources and thresholds.

    Example: [bold]greenfield controls idc-2026 > docs/controls.md[/bold]
    """
    from greenfield import content
    from greenfield.errors import SpecError
    from greenfield.report.controls_page import controls_page
    from greenfield.spec import collect
    from greenfield.spec.explain import hint

    # Read as a spec of its own: standards that ship count only beside one.
    found, _, _ = collect([spec]) if spec else collect([content.standards()], standards=Path(NOWHERE))
    known = found.standards if found else {}
    if standard not in known:
        raise SpecError(f'there is no standard "{standard}"', fix=hint(standard, list(known)))
    typer.echo(controls_page(known[standard]), nl=False)

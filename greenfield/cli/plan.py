"""``greenfield plan``: what goes where, before anything is touched."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from greenfield.cli.app import app, err

if TYPE_CHECKING:
    from greenfield.plan import Plan
    from greenfield.plan.changes import Changes
    from greenfield.plan.cost import Cost


class Format(StrEnum):
    """How a plan is shown."""

    table = "table"
    elevation = "elevation"
    svg = "svg"
    json = "json"


@app.command()
def plan(
    spec: Annotated[list[Path], typer.Argument(help="Folder or files of the spec.", exists=True)],
    *,
    format: Annotated[Format, typer.Option("--format", "-f", help="How to show it.")] = Format.table,
    cluster: Annotated[str | None, typer.Option(help="Which cluster, when the spec has several.")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write CLUSTER.placement.json beside the spec: from then on it stands.")
    ] = False,
    deployed: Annotated[
        Path | None,
        typer.Option(
            help="State of your own stack to show changes against (pulumi stack export; - is standard input). "
            "By default that of greenfield up.",
        ),
    ] = None,
    quarantine: Annotated[list[str] | None, typer.Option(help="Host not to touch (repeatable).")] = None,
) -> None:
    """Show which member stands on which host, and prove that the cluster survives what it must.

    Reads the spec and, where there are such, the placement record beside it and the state of greenfield up; touches no
    host. Says what changes, but for secrets and certificates that are due: those greenfield preview knows.

    Example: [bold]greenfield plan examples/lab --format elevation[/bold]
    """
    from greenfield.artifacts.catalogue import names_for
    from greenfield.artifacts.lock import load_lock, summary
    from greenfield.cli.deployed import UNKNOWN, differences
    from greenfield.errors import PlanError
    from greenfield.plan import load_placement, make_plan, save_placement
    from greenfield.plan.cost import cost
    from greenfield.spec import load, report

    loaded = load(spec)
    wanted, site = loaded.cluster(cluster)
    standing = load_placement(loaded.folder, wanted.name)
    try:
        made = make_plan(site, wanted, standing, frozenset(quarantine or ()))
    except PlanError as error:
        if not error.problems:
            raise
        err.print(report.text(report.locate(error.problems, loaded.sources, Path.cwd())), markup=False, end="")
        raise typer.Exit(1) from error
    budgets = [budget for budget in loaded.budgets.values() if budget.cluster == wanted.name]
    costs = [cost(made, budget) for budget in budgets]
    platforms = [platform for platform in loaded.platforms.values() if platform.cluster == wanted.name]
    lock = load_lock(loaded.folder)
    difference = differences(made, spec[0], lock, deployed, recorded=bool(standing and standing.versions))
    artifacts = {"names": names_for([wanted], platforms), "locked": summary(lock) if lock else None}
    typer.echo(_shown(made, format, difference, costs, artifacts), nl=False)
    for warning in made.warnings:
        err.print(f"warning: {'.'.join(map(str, warning.path[2:]))}: {warning.message}", markup=False)
    if difference is None:
        err.print(f"note: {UNKNOWN}", markup=False)
    if record:
        changed = save_placement(loaded.folder, made)
        err.print(f"placement record of {wanted.name} {'written' if changed else 'is up to date'}", markup=False)


def _shown(made: Plan, format: Format, difference: Changes | None, costs: list[Cost], artifacts: dict[str, Any]) -> str:
    from greenfield.plan.elevation import elevation_text
    from greenfield.plan.elevation_svg import elevation_svg
    from greenfield.plan.view_json import plan_document
    from greenfield.plan.view_text import plan_table

    match format:
        case Format.table:
            return plan_table(made, changes=difference, costs=costs, artifacts=artifacts["locked"] or "")
        case Format.elevation:
            return elevation_text(made)
        case Format.svg:
            return elevation_svg(made) + "\n"
        case Format.json:
            document = plan_document(made, changes=difference, costs=costs, artifacts=artifacts)
            return json.dumps(document, indent=2) + "\n"

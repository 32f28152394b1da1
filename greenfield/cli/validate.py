"""``greenfield validate``: everything that is wrong with a spec, at once."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from greenfield.cli.app import app, err, out

if TYPE_CHECKING:
    from greenfield.model.problem import Problem
    from greenfield.spec import Sources, Spec
    from greenfield.spec.report import Located


class Format(StrEnum):
    """How problems are written."""

    text = "text"
    json = "json"
    sarif = "sarif"


@app.command()
def validate(
    paths: Annotated[list[Path], typer.Argument(help="Spec files, or folders of them.")],
    format: Annotated[
        Format, typer.Option(help="text for people, json for programs, sarif for code review.")
    ] = Format.text,
    deployed: Annotated[
        Path | None,
        typer.Option(
            help="The spec as it was delivered last (a folder or file): what can't change once it stands is refused."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write there instead of to standard output.")] = None,
) -> None:
    """Check a spec: every error and warning at once, each with its place, the reason and what to do.

    No host is contacted. Exit code 0: valid (there may be warnings); 1: not valid.

    Example: greenfield validate examples/lab --format sarif --output validation.sarif
    """
    from greenfield.spec import report

    started = time.monotonic()
    spec, problems, sources = _collect(paths, deployed)
    found = report.locate(problems, sources, Path.cwd())
    last = report.summary(found, sources, time.monotonic() - started)
    if format is Format.text:
        written = report.text(found) + last + "\n"
    else:
        written = report.as_json(found, spec) if format is Format.json else report.sarif(found)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(written, encoding="utf-8")
        err.print(f"{last}, written to {output}", markup=False)
    elif format is Format.text:
        _print(found, last)
    else:
        out.out(written, end="", highlight=False)
    if any(located.problem.severity == "error" for located in found):
        raise typer.Exit(1)


def _collect(paths: list[Path], deployed: Path | None) -> tuple[Spec | None, list[Problem], Sources]:
    """What loading finds, then what placement finds on every cluster that is whole enough, then what stands forbids."""
    from greenfield import plan
    from greenfield.artifacts.lock import load_lock
    from greenfield.spec import collect, immutable
    from greenfield.spec.check_images import image_problems

    spec, problems, sources = collect(paths)
    lock = load_lock(spec.folder) if spec and spec.platforms else None
    held = {image.name for image in lock.images} if lock else None
    for manifests in sources.manifests.values():
        problems.extend(image_problems(manifests, held))
    named = {cluster: _engines(sources, cluster) for cluster in (spec.clusters if spec else ())}
    for cluster in spec.clusters.values() if spec else ():
        if spec:
            standing = plan.load_placement(spec.folder, cluster.name)
            problems.extend(plan.check(spec.sites[cluster.site], cluster, standing, named[cluster.name]))
    if deployed is not None:
        earlier, before = _delivered(deployed)
        problems.extend(immutable.changed(before, sources))
        for cluster in spec.clusters.values() if spec else ():
            if cluster.name in earlier.clusters:
                stands = plan.deployed_by(earlier.clusters[cluster.name])
                found = plan.standing_problems(cluster, stands, named[cluster.name])
                # The record beside the spec may have told of it already.
                problems.extend(problem for problem in found if problem not in problems)
    return spec, problems, sources


def _engines(sources: Sources, cluster: str) -> frozenset[str]:
    """Engines that a cluster's document names, right or wrong."""
    engines = sources.documents["Cluster", cluster].spec.get("engines")
    return frozenset(map(str, engines)) if isinstance(engines, dict) else frozenset()


def _delivered(path: Path) -> tuple[Spec, Sources]:
    """The spec as it was delivered. It need not be valid by today's rules, e.g. name versions that are gone by now."""
    from greenfield.errors import SpecError
    from greenfield.spec import collect

    spec, problems, sources = collect([path])
    if spec is None:
        words = "; ".join(problem.message for problem in problems[:3])
        raise SpecError(f"{path} can't be read as a spec: {words}", fix="name the spec as it was delivered last")
    return spec, sources


def _print(found: list[Located], last: str) -> None:
    from rich.text import Text

    from greenfield.spec import report

    for located in found:
        words = Text(report.text([located]).rstrip("\n"))
        words.highlight_regex(r"(?m)^\S+ error ", "bold red")
        words.highlight_regex(r"(?m)^\S+ warning ", "bold yellow")
        words.highlight_regex(r"(?m)^    fix: ", "green")
        out.print(words)
    out.print(Text(last))

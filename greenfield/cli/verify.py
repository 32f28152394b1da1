"""``greenfield verify``: judges a cluster by its standard and writes the delivery report."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from greenfield.cli.app import app, err, out
from greenfield.errors import GreenfieldError, SpecError

if TYPE_CHECKING:
    from greenfield.report.files import Files
    from greenfield.verify.results import RunResult
    from greenfield.verify.runner import Request

COLOURS = {"passed": "green", "failed": "red", "error": "magenta", "waived": "yellow", "inapplicable": "dim"}
NOT_JUDGED = 2
TOLD = 20
"""Controls that are not met and told in the terminal; all are in the report."""

REPORTS = Path("build") / "report"


class Backend(StrEnum):
    """How hosts are reached."""

    greenfield = "greenfield"
    ssh = "ssh"


@app.command()
def verify(
    spec: Annotated[Path | None, typer.Argument(help="Folder or file of the spec.")] = None,
    *,
    cluster: Annotated[str, typer.Option(help="Which cluster, when the spec has several.")] = "",
    only: Annotated[
        list[str] | None, typer.Option(help="A group, control, host or engine (repeatable); all by default.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the report; build/report/CLUSTER by default.")
    ] = None,
    secrets: Annotated[
        Path | None,
        typer.Option(help="JSON file (mode 0600) of words to keep out of evidence.", envvar="GREENFIELD_SECRETS"),
    ] = None,
    backend: Annotated[
        Backend, typer.Option(help="greenfield: one connection a host. ssh: testinfra's own, for comparison.")
    ] = Backend.greenfield,
    check_statement: Annotated[
        Path | None, typer.Option(help="Check a signed statement instead of judging anything.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="The site's public key; .access/signing_key.pub of SPEC by default.")
    ] = None,
) -> None:
    """Judge a cluster: every control of its standard on every host and engine, with evidence.

    Engines are really disturbed: a leader and a primary are killed while a writer runs, and brought back.
    Writes an HTML report, JUnit, JSON and a signed in-toto statement.

    Exit codes: 0 accepted, 1 not accepted, 2 could not be judged.

    Examples:

      [bold]greenfield verify examples/lab[/bold]

      [bold]greenfield verify examples/lab --only host --only r1-h1[/bold]

      [bold]greenfield verify examples/lab --check-statement build/report/orders/orders.intoto.json[/bold]
    """
    from greenfield.verify.runner import Request

    try:
        if check_statement is not None:
            _check(check_statement, public_key or _public_key(spec))
            return
        if spec is None:
            raise SpecError("no spec was named", fix="greenfield verify examples/lab")
    except GreenfieldError as error:
        _refuse(error)
    request = Request(spec, output or REPORTS, cluster, tuple(only or ()), secrets, backend.value)
    raise typer.Exit(_accept(request))


def run_verify(spec: Path, cluster: str = "") -> int:
    """Judge a cluster and print the verdict, as the command does; returns its exit code (0, 1 or 2)."""
    from greenfield.verify.runner import Request

    return _accept(Request(spec, REPORTS, cluster))


def _accept(request: Request) -> int:
    try:
        result, files = _judge(request)
    except GreenfieldError as error:
        _say(error)
        return NOT_JUDGED
    _tell(result, files)
    return result.exit_code


def _judge(request: Request) -> tuple[RunResult, Files]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    from greenfield.report.files import write
    from greenfield.report.signing_key import key_path
    from greenfield.verify.runner import Progress, run
    from greenfield.verify.selection import Selection
    from greenfield.verify.subject import Subject

    subject = Subject.of(request.spec, request.cluster or None)
    Selection(request.only, subject.standard, subject.plan)  # a word that names nothing stops before anything starts
    folder = request.folder / subject.cluster.name if request.folder == REPORTS else request.folder
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task("connecting", total=None)

        def show(progress: Progress) -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.of,
                description=f"{progress.control} on {progress.target}",
            )
            if progress.outcome in ("failed", "error") and err.is_terminal:
                words = progress.message.splitlines()[0] if progress.message else ""
                bar.console.print(
                    f"  [{COLOURS[progress.outcome]}]{progress.control}[/] {progress.target}: {_plain(words)}"
                )

        result = run(replace(request, folder=folder, cluster=subject.cluster.name), show)
    return result, write(result, subject.plan, folder, key_path(subject.spec.folder))


def _tell(result: RunResult, files: Files) -> None:
    from greenfield.report.summary import asked, groups, tally, verdict_word

    found = groups(result)
    width = max((len(group.title) for group in found), default=0)
    scale = max((len(group.scale) for group in found), default=0)
    counts = max((len(group.counts) for group in found if group.highlights), default=0)
    for group in found:
        line = f"  {group.title:{width}}  {group.scale:{scale}}  "
        tail = f"   {group.highlights}" if group.highlights else ""
        told = group.counts.ljust(counts) if tail else group.counts
        out.print(f"{_plain(line)}[{COLOURS[group.outcome]}]{_plain(told)}[/]{_plain(tail)}")
    for probe in result.probes:
        out.print(f"  probe {probe.name} from {probe.host}: {asked(probe)}", markup=False)
    _tell_obstacles(result)
    colour = {0: "green", 1: "red"}.get(result.exit_code, "magenta")
    out.print(f"[bold {colour}]{verdict_word(result)}[/]  {_plain(tally(result))}")
    out.print(f"report: {_plain(str(files.html))}   junit: {_plain(str(files.junit))}", markup=True)
    out.print(f"results: {_plain(str(files.json))}   statement: {_plain(str(files.statement))} (signed)", markup=True)


def _tell_obstacles(result: RunResult) -> None:
    from greenfield.report.summary import obstacles

    found = list(obstacles(result).items())
    for (control, outcome), checks in found[:TOLD]:
        places = ", ".join(check.target for check in checks[:3]) + (f" and {len(checks) - 3} more" * (len(checks) > 3))
        words = checks[0].message.splitlines()[0] if checks[0].message else ""
        out.print(f"    [{COLOURS[outcome]}]{control}[/] {_plain(places)}: {_plain(words)}")
    if len(found) > TOLD:
        out.print(f"    and {len(found) - TOLD} more controls, see the report")


def _check(statement: Path, public_key: Path) -> None:
    from greenfield.report.statement import verify as verify_statement

    found = verify_statement(statement, public_key)
    out.print(
        f"signed by the site's key: {_plain(found.name)} was {_plain(found.verdict)} ({found.result}) "
        f"at {found.finished}, {found.failed} not passed, {found.waived} waived"
    )
    out.print(f"spec: sha256:{found.spec_digest}")


def _public_key(spec: Path | None) -> Path:
    from greenfield.report.signing_key import key_path, public_path

    if spec is None:
        raise SpecError("whose key? no spec was named", fix="name the spec too, or --public-key FILE")
    return public_path(key_path(spec if spec.is_dir() else spec.parent))


def _refuse(error: GreenfieldError) -> NoReturn:
    _say(error)
    raise typer.Exit(NOT_JUDGED) from error


def _say(error: GreenfieldError) -> None:
    err.print(f"[red]error:[/red] {_plain(str(error))}")


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)

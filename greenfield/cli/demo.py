"""``greenfield demo``: the whole path on one machine, from a spec to an accepted cluster."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from greenfield.cli.app import app, err, out


@app.command()
def demo(
    spec: Annotated[Path, typer.Argument(help="Folder of the spec.")] = Path("examples/lab"),
) -> None:
    """Boot the lab, deliver the example cluster on it, accept it, and leave it running.

    A second run changes nothing. Example: [bold]greenfield demo && greenfield lab status[/bold]
    """
    from greenfield.artifacts import summary
    from greenfield.artifacts.of_spec import sync_spec
    from greenfield.cli.verify import run_verify
    from greenfield.cli.workspace import Workspace, up_arguments
    from greenfield.lab.lab import Lab
    from greenfield.spec import load

    began = time.monotonic()

    def step(text: str) -> None:
        err.print(f"[bold]{time.monotonic() - began:6.1f} s  {text}[/bold]")

    def say(line: str) -> None:
        err.print(f"[dim]          {line}[/dim]")

    loaded = load([spec])
    _, site = loaded.cluster()
    workspace = Workspace.of(spec)
    step(f"mirror of {site.name}")
    say(summary(sync_spec(spec, progress=say)))
    lab = Lab(site, say=say)
    step(f"lab {site.name}: {len(site.hosts)} hosts in {len(site.racks)} racks")
    lab.up()
    delivered_to = workspace.folder / "lab"
    if workspace.exists and (not delivered_to.exists() or delivered_to.read_text() != lab.born):
        say("the lab is new, so the state of the one before it is dropped")
        workspace.forget()
    workspace.prepare()
    delivered_to.write_text(lab.born)
    workspace.go_on()
    step("pulumi up")
    if workspace.pulumi(*up_arguments(preview=False, yes=True, refresh=False, extra=["--skip-preview"]), check=False):
        raise typer.Exit(1)
    step("acceptance")
    code = run_verify(spec)
    step("done")
    out.print(
        "The lab keeps running. Look around: greenfield lab status · greenfield lab shell r1-h1 · greenfield lab down"
    )
    raise typer.Exit(code)

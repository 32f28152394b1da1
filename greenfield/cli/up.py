"""``greenfield up``, ``preview``, ``pulumi``: a spec's stack without setting up a Pulumi project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from greenfield import restoring
from greenfield.cli.app import app, err

if TYPE_CHECKING:
    from greenfield.cli.workspace import Workspace

Spec = Annotated[Path, typer.Argument(help="Folder or file of the spec.")]
ClusterName = Annotated[str | None, typer.Option("--cluster", help="Which cluster, when the spec has several.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Look at the hosts first and mend what has drifted.")]
Restore = Annotated[
    list[str] | None,
    typer.Option(
        "--restore",
        metavar="ENGINE=FILE",
        help="Begin a destroyed engine anew from this snapshot (implies --refresh; repeatable).",
    ),
]
SkipPreview = Annotated[
    bool, typer.Option("--skip-preview", help="Change at once, for a change that was previewed before (implies --yes).")
]
Quarantine = Annotated[str, typer.Option("--quarantine", help="Hosts to go on without, separated by commas.")]


@app.command()
def up(
    spec: Spec,
    cluster: ClusterName = None,
    refresh: Refresh = False,
    quarantine: Quarantine = "",
    *,
    restore: Restore = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask before changing.")] = False,
    skip_preview: SkipPreview = False,
) -> None:
    """Deliver a cluster: the same as [bold]pulumi up[/bold] on a program of ten lines, with nothing to set up.

    Example: [bold]greenfield up examples/lab --yes[/bold]
    """
    if restore:
        os.environ[restoring.VARIABLE] = ",".join(restore)
        restoring.wanted()
    yes, refresh = yes or skip_preview, refresh or bool(restore)
    extra = ["--skip-preview"] if skip_preview else []
    _run(spec, cluster, quarantine, preview=False, yes=yes, refresh=refresh, extra=extra)


@app.command()
def preview(spec: Spec, cluster: ClusterName = None, refresh: Refresh = False, quarantine: Quarantine = "") -> None:
    """Show which hosts would change and why; opens no connection (but with --refresh).

    Example: [bold]greenfield preview examples/lab[/bold]
    """
    _run(spec, cluster, quarantine, preview=True, yes=False, refresh=refresh)


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def pulumi(
    context: typer.Context,
    spec: Spec,
    cluster: ClusterName = None,
) -> None:
    """Run any Pulumi command on a spec's stack.

    Example: [bold]greenfield pulumi examples/lab stack output endpoints[/bold]
    """
    from greenfield.cli.workspace import Workspace

    workspace = Workspace.of(spec, cluster)
    workspace.prepare()
    raise typer.Exit(workspace.pulumi(*context.args, check=False))


LOOKING = {"PULUMI_K8S_SKIP_UPDATE_UNREACHABLE": "true"}
"""Where nothing is changed, a Kubernetes engine that does not answer is passed over with a warning: the run that brings
its hosts back begins by looking at all of them. Where something is changed, it is an error."""


def _run(
    spec: Path,
    cluster: str | None,
    quarantine: str,
    *,
    preview: bool,
    yes: bool,
    refresh: bool,
    extra: Sequence[str] = (),
) -> None:
    from greenfield.cli.workspace import Workspace, up_arguments

    workspace = Workspace.of(spec, cluster)
    workspace.prepare()
    workspace.go_on()
    before = workspace.placement
    # Always, also when empty: Pulumi keeps what --config says for the runs after it.
    config = ["--config", f"greenfield:quarantine={quarantine}"]
    if refresh and yes:
        # By itself, because Pulumi else looks at all hosts twice: for the preview and for the change.
        if workspace.pulumi("refresh", "--yes", "--skip-preview", *config, check=False, more=LOOKING):
            raise typer.Exit(1)
        refresh = False
    arguments = up_arguments(preview=preview, yes=yes, refresh=refresh, extra=[*config, *extra])
    code = workspace.pulumi(*arguments, check=False, more=LOOKING if preview else {})
    if not code and not preview and workspace.settle(quarantine.split(",")).has_left_since(before):
        code = _close(workspace, config)
    raise typer.Exit(1 if code else 0)


def _close(workspace: Workspace, config: Sequence[str]) -> int:
    """Have hosts give up what those that left needed of them; that is part of the change that was agreed to."""
    from greenfield.cli.workspace import Workspace, up_arguments

    if Workspace.of(workspace.spec, workspace.cluster).digest != workspace.digest:
        err.print("the spec was changed meanwhile: run again, for ports of what has left are still open", markup=False)
        return 0
    err.print("now closing on hosts what was kept open for what has left", markup=False)
    return workspace.pulumi(*up_arguments(preview=False, yes=True, refresh=False, extra=config), check=False)

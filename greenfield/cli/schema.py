"""``greenfield schema``: the reference of the spec, made from its schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from greenfield.cli.app import app, err, out

FILE = Path("docs/spec.md")


@app.command()
def schema(
    kind: Annotated[
        str | None,
        typer.Argument(help="Site, Cluster, Standard, Budget, Platform or an engine kind; all when left out."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help=f"Write all of it to {FILE} (in a checkout).")] = False,
    check: Annotated[bool, typer.Option("--check", help=f"Fail when {FILE} is not what would be written.")] = False,
    export: Annotated[
        Path | None, typer.Option("--export", help="Copy the JSON Schemas into this folder, for editors.")
    ] = None,
) -> None:
    """Print the reference of the spec (Markdown): every key with its value, default and meaning.

    Example: greenfield schema cluster
    """
    from greenfield import content
    from greenfield.cli.init import export_schemas
    from greenfield.errors import SpecError
    from greenfield.spec import reference

    if export:
        export_schemas(export)
        err.print(f"copied the schemas to {export}", markup=False)
        return
    if not (write or check):
        try:
            out.out(reference.page(kind), end="", highlight=False)
        except KeyError as error:
            raise SpecError(str(error.args[0])) from error
        return
    file, page = content.root() / FILE, reference.page()
    if not file.parent.is_dir():
        raise SpecError(f"there is no folder {file.parent}", fix="run this in a checkout of Greenfield")
    if write:
        file.write_text(page, encoding="utf-8")
        err.print(f"wrote {FILE}", markup=False)
    elif not file.is_file() or file.read_text(encoding="utf-8") != page:
        raise SpecError(f"{FILE} is not what the schemas say", fix="greenfield schema --write")

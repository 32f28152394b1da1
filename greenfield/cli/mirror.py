"""``greenfield mirror``: what hosts install, pinned, verified, signed and served."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from greenfield.cli.app import app, err, out

if TYPE_CHECKING:
    from greenfield.artifacts.store import Progress

mirror = typer.Typer(
    help="The site mirror: the only place hosts get software from.\n\n"
    "Its content is computed from the spec, pinned in mirror.lock.json beside it, and signed.\n\n"
    "Example: greenfield mirror sync examples/lab",
    no_args_is_help=True,
)
app.add_typer(mirror, name="mirror")

SpecArgument = Annotated[Path, typer.Argument(help="Spec folder or file.", metavar="SPEC")]


@mirror.command()
def sync(spec: SpecArgument) -> None:
    """Have the mirror hold what the lock names; makes the lock when there is none.

    Downloads go through this workstation's apt configuration, resume, and are checked before they get their place.
    A second run downloads nothing.

    Example: greenfield mirror sync examples/lab
    """
    from greenfield.artifacts import of_spec, summary

    wanted, started = of_spec.wanted(spec), time.monotonic()
    with _progress() as progress:
        held, done = of_spec.sync(wanted, progress)
    change = f"{done.placed} placed, {done.removed} removed" if done.changed else "nothing to do"
    out.print(f"{summary(held)}: {change} ({time.monotonic() - started:.1f} s)  {wanted.served}", markup=False)


@mirror.command()
def lock(
    spec: SpecArgument,
    update: Annotated[bool, typer.Option("--update", help="Make it anew with what upstream has today.")] = False,
    new_key: Annotated[bool, typer.Option("--new-key", help="Sign with this workstation's key from now on.")] = False,
) -> None:
    """Pin what hosts install: exact versions and SHA-256 of everything, and the signing key.

    Keeps a lock that is there unless told to update it; only images of workloads follow the spec and what was
    carried in. Commit the lock; review its changes like code.

    Example: greenfield mirror lock examples/lab --update
    """
    from greenfield.artifacts import load_lock, of_spec, save_lock, summary
    from greenfield.artifacts import mirror as mirrors

    wanted = of_spec.wanted(spec)
    before = load_lock(wanted.folder)
    with _progress() as progress:
        if before is None or update:
            after = mirrors.make_lock(wanted.site, wanted.names, update=update, progress=progress)
        elif new_key:
            after = mirrors.with_key_of_here(before)
        else:
            after = mirrors.with_own_images(before, wanted.names, progress=progress)
            of_spec.check_fit(after, wanted)
    if before is not None and mirrors.same_content(before, after):
        words = f"no news since {before.created}" if update else f"locked {before.created}"
        out.print(f"{summary(before)}: {words}" + ("" if update or new_key else "; --update asks upstream for news"))
        return
    path = save_lock(after, wanted.folder)
    for line in mirrors.differences(before, after) if before else ():
        out.print(f"  {line}", markup=False)
    out.print(f"{summary(after)}: written to {path}")


@mirror.command()
def verify(spec: SpecArgument) -> None:
    """Check every byte of the mirror and the repository's signature against the lock. Changes nothing.

    Example: greenfield mirror verify examples/lab
    """
    from greenfield.artifacts import of_spec, summary, verify_mirror

    wanted, started = of_spec.wanted(spec), time.monotonic()
    found = of_spec.locked(wanted)
    verify_mirror(found, wanted.served)
    out.print(f"{summary(found)}: all as locked ({time.monotonic() - started:.1f} s)")


@mirror.command()
def status(spec: SpecArgument) -> None:
    """Show what is locked for each part of the spec, the signing key, and whether the mirror holds it. Changes nothing.

    Exit code 1 when the mirror is not as locked.

    Example: greenfield mirror status examples/lab
    """
    from rich.table import Table

    from greenfield.artifacts import of_spec, summary, verify_mirror

    wanted = of_spec.wanted(spec)
    held = of_spec.locked(wanted)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("artifact")
    for column in ("packages", "files", "images", "MB"):
        table.add_column(column, justify="right")
    table.add_column("version")
    for name, artifact in held.artifacts.items():
        size = sum(held.packages[package].bytes for package in artifact.packages)
        size += sum(file.bytes for file in artifact.files) + sum(image.bytes for image in artifact.images)
        versions = {file.version for file in artifact.files} | {image.version for image in artifact.images}
        counts = [str(len(part)) for part in (artifact.packages, artifact.files, artifact.images)]
        table.add_row(name, *counts, f"{size / 1e6:.0f}", ", ".join(sorted(versions)))
    out.print(table)
    out.print(f"locked {held.created}, signed by {held.fingerprint}", markup=False)
    verify_mirror(held, wanted.served)
    out.print(f"{summary(held)}: all as locked  {wanted.served}", markup=False)


@mirror.command()
def sbom(
    spec: SpecArgument,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there, not to standard output.")] = None,
) -> None:
    """Write a CycloneDX SBOM (JSON) of what the spec's clusters get.

    Example: greenfield mirror sbom examples/lab -o sbom.cdx.json
    """
    from greenfield.artifacts import of_spec
    from greenfield.artifacts.sbom import bill_of_materials

    text = bill_of_materials(of_spec.locked(of_spec.wanted(spec)))
    if output is None:
        out.out(text, highlight=False)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        err.print(f"written to {output}", markup=False)


@mirror.command()
def add(
    name: Annotated[str, typer.Argument(help="ARTIFACT/FILE or ARTIFACT/IMAGE of the catalogue, or image/IMAGE.")],
    file: Annotated[Path, typer.Argument(help="The file or the image's OCI archive.", exists=True, dir_okay=False)],
    sha256: Annotated[str, typer.Option(help="Its digest, from whoever published it.")],
) -> None:
    """Carry a file or an image in by hand, for workstations that can reach neither its release nor a module proxy.

    An image comes as an OCI archive, as skopeo, docker save and ctr write it, under its full name; one that your
    workloads run and no engine brings is image/NAME, and `greenfield mirror lock SPEC` then takes it into the lock.
    A package of the lock is added by its name in the lock: package/NAME needs no catalogue entry.
    A Pulumi plugin is installed from the archive that its project publishes, or from the program itself as another
    workstation has built it: plugin/kubernetes-4.25.0.

    Examples:

      greenfield mirror add etcd-3.6/etcd ./etcd --sha256 8f2c...

      greenfield mirror add image/registry.shop.internal/web:2.0 ./web.tar --sha256 41d9...
    """
    from greenfield.artifacts import carried, pulumi_plugin
    from greenfield.artifacts.catalogue import OWN, load_catalogue

    artifact, _, part = name.partition("/")
    if artifact == "plugin":
        place = pulumi_plugin.install(part, file, sha256)
    elif artifact == "package":
        place = carried.add_bytes(file, sha256.lower())
    else:
        entry = load_catalogue().select([name if name.startswith(OWN) else artifact])[0]
        place = carried.add(entry, part, file, sha256)
    out.print(f"{name} is {place}", markup=False)


@mirror.command()
def serve(
    spec: SpecArgument,
    listen: Annotated[str, typer.Option(help="ADDRESS:PORT to listen on.")] = "127.0.0.1:8080",
    registry_port: Annotated[int, typer.Option(help="Port of the images' registry, on the same address.")] = 5000,
) -> None:
    """Serve the mirror in the foreground, read-only, until interrupted: nginx, and a registry when it holds images.

    Example: greenfield mirror serve examples/lab --listen 10.20.0.5:8080
    """
    from greenfield.artifacts import of_spec, verify_mirror
    from greenfield.artifacts.serving import serve as run

    wanted = of_spec.wanted(spec)
    held = of_spec.locked(wanted)
    verify_mirror(held, wanted.served)
    err.print(f"serving {wanted.served} on http://{listen} (interrupt to stop)", markup=False)
    if held.images:
        address = listen.rsplit(":", 1)[0]
        err.print(f"{len(held.images)} images on https://{address}:{registry_port}", markup=False)
    run(wanted.site, listen, [wanted.address], registry_port)


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar where there is a terminal, lines elsewhere."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from greenfield.artifacts.of_spec import in_lines

    if not err.is_terminal:
        yield in_lines(lambda line: err.print(line, markup=False))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("mirror", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total or None)

        yield tell

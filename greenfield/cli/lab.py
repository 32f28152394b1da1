"""``greenfield lab``: a small real IDC on this machine."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from greenfield.cli.app import app, err, out
from greenfield.errors import LabError

if TYPE_CHECKING:
    from greenfield.lab.lab import Lab

lab_app = typer.Typer(
    help=(
        "A small real IDC on this machine: Debian hosts, racks, disks, a mirror and a time server.\n\n"
        "Everything lives in namespaces, cgroups and one folder; `down` removes it all. Needs root.\n\n"
        "Example: [bold]greenfield lab up && greenfield lab shell r1-h1 -- systemctl --failed[/bold]"
    ),
    no_args_is_help=True,
)
fault_app = typer.Typer(
    help=(
        "Break the lab on purpose, and undo it.\n\n"
        "Example: [bold]greenfield lab fault cut r2; greenfield verify; greenfield lab fault clear --all[/bold]"
    ),
    no_args_is_help=True,
)
app.add_typer(lab_app, name="lab")
lab_app.add_typer(fault_app, name="fault")

Spec = Annotated[Path, typer.Option("--spec", help="Folder or file with the site.", envvar="GREENFIELD_LAB_SPEC")]
SiteName = Annotated[str, typer.Option("--site", help="Which site, when the spec has several.")]
HostName = Annotated[str, typer.Argument(help="Name of a host.", show_default=False)]
EXAMPLE = Path("examples/lab")


def _lab(spec: Path, site: str, say: Callable[[str], None] = lambda _: None) -> Lab:
    from greenfield.lab.lab import Lab
    from greenfield.spec import load

    sites = load([spec]).sites
    if site and site not in sites:
        raise LabError(f"{spec} has no site {site!r}", fix=f"one of: {', '.join(sites) or 'it has none'}")
    if not site and len(sites) != 1:
        raise LabError(f"{spec} has {len(sites)} sites", fix=f"say which with --site: {', '.join(sites)}")
    return Lab(sites[site or next(iter(sites))], say=say)


class _Progress:
    """One line that changes on a terminal, plain lines elsewhere; each with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, line: str) -> None:
        err.print(f"[dim]{self.seconds():5.1f} s[/dim]  {line}")

    def seconds(self) -> float:
        return time.monotonic() - self._began


@lab_app.command()
def up(spec: Spec = EXAMPLE, site: SiteName = "") -> None:
    """Boot every host of the site; mends what is missing and clears faults. A second run changes nothing.

    Example: [bold]greenfield lab up --spec examples/lab[/bold]
    """
    progress = _Progress()
    lab = _lab(spec, site, progress)
    lab.up()
    example = next(iter(lab.hosts.values())).host
    access = lab.site.access
    out.print(
        f"lab {lab.site.name} is up: {len(lab.hosts)} hosts in {len(lab.fabric.topology.racks)} racks, "
        f"{progress.seconds():.1f} s\n"
        f"  ssh -i {access.identity_file} -o UserKnownHostsFile={access.known_hosts} -o IdentitiesOnly=yes"
        f" {access.user}@{example.address}\n"
        f"  greenfield lab shell {example.name}"
    )


@lab_app.command()
def down(spec: Spec = EXAMPLE, site: SiteName = "") -> None:
    """Remove everything of the lab: hosts, disks with their data, network, services. The mirror's content stays.

    Example: [bold]greenfield lab down[/bold]
    """
    lab = _lab(spec, site, _Progress())
    lab.down()
    out.print(f"lab {lab.site.name} is gone")


@lab_app.command()
def status(spec: Spec = EXAMPLE, site: SiteName = "") -> None:
    """Show each host: where it is, whether it runs, its memory, uptime and the faults against it."""
    lab = _lab(spec, site)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("host", "rack", "address", "state", "memory MiB", "uptime", "faults"):
        table.add_column(name, justify="right" if name in ("memory MiB", "uptime") else "left", no_wrap=True)
    for host in lab.status():
        colour = {"running": "green", "frozen": "cyan", "stopped": "red"}.get(host.state, "dim")
        table.add_row(
            host.name,
            host.rack,
            host.address,
            f"[{colour}]{host.state}[/{colour}]",
            f"{host.memory_used_bytes >> 20} / {host.memory_bytes >> 20}",
            str(timedelta(seconds=int(host.uptime_seconds))) if host.uptime_seconds else "-",
            ", ".join(host.faults) or "-",
        )
    out.print(table)


@lab_app.command(context_settings={"ignore_unknown_options": True})
def shell(
    host: HostName,
    command: Annotated[list[str] | None, typer.Argument(help="A command to run instead, after --.")] = None,
    spec: Spec = EXAMPLE,
    site: SiteName = "",
) -> None:
    """Open a root shell in a host, or run one command there and return its exit code. Works without the network.

    Examples: [bold]greenfield lab shell r1-h1[/bold]; [bold]greenfield lab shell r1-h1 -- df -h /data[/bold]
    """
    argv = _lab(spec, site).host(host).argv(command or ["env", f"TERM={os.environ.get('TERM', 'xterm')}", "bash", "-l"])
    sys.stdout.flush()
    os.execvp(argv[0], argv)  # noqa: S606  (the shell takes this process's place and terminal)


@lab_app.command()
def start(host: HostName, spec: Spec = EXAMPLE, site: SiteName = "") -> None:
    """Bring a stopped, killed or frozen host back with its data.

    Example: [bold]greenfield lab start r1-h1[/bold]
    """
    _lab(spec, site).start_host(host)
    out.print(f"{host} runs")


@lab_app.command()
def reset(
    host: HostName,
    keep_key: Annotated[bool, typer.Option(help="Keep the host's SSH key, as if only its disks were new.")] = False,
    spec: Spec = EXAMPLE,
    site: SiteName = "",
) -> None:
    """Replace a host by a bare one of the same name: fresh system, empty disks, new host key.

    Example: [bold]greenfield lab reset r2-h1[/bold]
    """
    _lab(spec, site).reset_host(host, keep_key=keep_key)
    out.print(f"{host} is a new machine")


@fault_app.command("list")
def list_faults(spec: Spec = EXAMPLE, site: SiteName = "") -> None:
    """Show the faults that stand."""
    for fault in _lab(spec, site).faults():
        out.print(f"{fault.id}  {fault}")


@fault_app.command()
def clear(
    faults: Annotated[list[str] | None, typer.Argument(help="Ids, as `fault list` shows them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Undo every fault.")] = False,
    spec: Spec = EXAMPLE,
    site: SiteName = "",
) -> None:
    """Undo faults: hosts come back, links come up, disks are emptied of the filler.

    Examples: [bold]greenfield lab fault clear f2[/bold]; [bold]greenfield lab fault clear --all[/bold]
    """
    if bool(faults) == every:
        raise typer.BadParameter("say which faults to clear, or --all")
    for fault in _lab(spec, site).clear(None if every else faults):
        out.print(f"undone: {fault}")


@fault_app.command()
def stop(host: HostName, spec: Spec = EXAMPLE, site: SiteName = "") -> None:
    """Power a host off cleanly."""
    out.print(f"{_lab(spec, site).stop_host(host).id}: {host} is off")


@fault_app.command()
def kill(host: HostName, spec: Spec = EXAMPLE, site: SiteName = "") -> None:
    """Take a host's power away: every process is killed at once."""
    out.print(f"{_lab(spec, site).kill_host(host).id}: {host} lost power")


@fault_app.command()
def freeze(host: HostName, spec: Spec = EXAMPLE, site: SiteName = "") -> None:
    """Stop every process of a host where it is, as a hung machine does."""
    out.print(f"{_lab(spec, site).freeze_host(host).id}: {host} hangs")


@fault_app.command()
def cut(
    target: Annotated[str, typer.Argument(help="A host or a rack.", show_default=False)],
    spec: Spec = EXAMPLE,
    site: SiteName = "",
) -> None:
    """Pull the cable of a host, or the uplink of a rack."""
    out.print(f"{_lab(spec, site).cut(target).id}: link of {target} is down")


@fault_app.command()
def delay(
    host: HostName,
    milliseconds: Annotated[int, typer.Argument(min=1, max=60000, help="Added to each packet, each way.")],
    spec: Spec = EXAMPLE,
    site: SiteName = "",
) -> None:
    """Delay every packet to and from a host; a round trip takes twice as much longer.

    Example: [bold]greenfield lab fault delay r1-h1 50[/bold]
    """
    out.print(f"{_lab(spec, site).delay(host, milliseconds).id}: {host} is {milliseconds} ms away, each way")


@fault_app.command()
def fill(
    host: HostName,
    place: Annotated[str, typer.Argument(help="A disk of the hardware class or a mount point.")] = "",
    spec: Spec = EXAMPLE,
    site: SiteName = "",
) -> None:
    """Fill a data disk to the last byte.

    Examples: [bold]greenfield lab fault fill r1-h1[/bold]; [bold]greenfield lab fault fill r1-h1 /data[/bold]
    """
    fault = _lab(spec, site).fill(host, place)
    out.print(f"{fault.id}: {fault.detail.rpartition('/')[0]} on {host} is full")

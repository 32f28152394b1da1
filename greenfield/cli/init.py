"""``greenfield init``: a folder to start from: site, hosts, cluster and a Pulumi program of ten lines."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any

import typer

from greenfield.cli.app import app, out
from greenfield.errors import SpecError

TEMPLATES = Path(__file__).parent / "initial"
SCHEMAS = ".schemas"
QUORUM = 3
"""Members of the starter's etcd, each in a rack of its own."""

DATA_HOSTS = 6
HOST_WATTS = 180
RACK_UNITS = 42
FIRST_HOST = 11
"""Last octet of a rack's first host; those below are left for gateways and the like."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The starter's site in numbers.

    Attributes:
        subnets: of ``network``; the first is for mirror and workstation, the others are the racks'.
    """

    site: str
    racks: int
    hosts_per_rack: int
    network: IPv4Network
    per_rack: int

    @property
    def subnets(self) -> list[IPv4Network]:
        """The first ``racks + 1`` subnets of the network."""
        wanted = zip(range(self.racks + 1), self.network.subnets(new_prefix=self.per_rack), strict=False)
        return [subnet for _, subnet in wanted]

    @property
    def data_spread(self) -> int:
        """How many hosts of the data pool stand in one rack at most; 0 when the site has too few for such a pool."""
        left = [self.hosts_per_rack - (1 if rack < QUORUM else 0) for rack in range(self.racks)]
        most = -(-DATA_HOSTS // self.racks)
        if self.racks < QUORUM or sum(left) < DATA_HOSTS:
            return 0
        while sum(min(most, free) for free in left) < DATA_HOSTS:
            most += 1
        # A rack with half of the members or more would take the majority of the primaries with it.
        return most if most * 2 < DATA_HOSTS else 0


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder to make; an existing one must be empty.")],
    site: Annotated[str, typer.Option(help="Name of the site.")] = "site1",
    racks: Annotated[int, typer.Option(help="Racks; a quorum needs three.", min=QUORUM, max=250)] = 3,
    hosts_per_rack: Annotated[int, typer.Option(help="Hosts in each rack.", min=1, max=RACK_UNITS)] = 3,
    network: Annotated[str, typer.Option(help="Range of the hosts' addresses.")] = "10.80.0.0/16",
) -> None:
    """Write a starter spec and program: a site of your shape with etcd and, where there is room, Redis on it.

    What it writes is valid as it is, and can be delivered on lab hosts before there are real ones.

    Example: [bold]greenfield init berlin --site berlin1 --racks 4 && greenfield plan berlin[/bold]
    """
    shape = _shape(site, racks, hosts_per_rack, network)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SpecError(f"{folder} is there and not empty; nothing was written", fix="name a new or an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _files(shape):
        (folder / name).write_text(text, encoding="utf-8")
    export_schemas(folder / SCHEMAS)
    out.print(f"wrote a site of {racks * hosts_per_rack} hosts and a cluster to {folder}", markup=False)
    out.print(f"next: greenfield plan {folder}; then read {folder / 'README.md'}", markup=False)


def export_schemas(folder: Path) -> None:
    """Copy the schemas into a folder, for editors.

    A copy beside the spec, because a path into the installed package differs from machine to machine, and spec
    files are shared.
    """
    from greenfield import content

    shutil.copytree(content.schemas(), folder, dirs_exist_ok=True)


def _shape(site: str, racks: int, hosts_per_rack: int, network: str) -> Shape:
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", site):
        raise SpecError(f"{site!r} is no name for a site", fix="use small letters, digits and dashes, at most 40")
    try:
        cidr = IPv4Network(network)
    except ValueError as error:
        raise SpecError(f"--network {network}: {error}", fix="write it like 10.80.0.0/16") from None
    for prefix in range(24, 28):
        room = 2 ** (prefix - cidr.prefixlen) if prefix >= cidr.prefixlen else 0
        if room > racks and FIRST_HOST + hosts_per_rack < 2 ** (32 - prefix):
            return Shape(site, racks, hosts_per_rack, cidr, prefix)
    raise SpecError(
        f"--network {network} has no room for {racks} racks of {hosts_per_rack} hosts and one more subnet for services",
        fix="name a larger range, like 10.80.0.0/16",
    )


def _files(shape: Shape) -> Iterator[tuple[str, str]]:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # Nothing of it is HTML.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True
    )
    values = _values(shape)
    for name in sorted(environment.list_templates(extensions=["j2"])):
        target = ".gitignore" if name == "gitignore.j2" else name.removesuffix(".j2")
        yield target, environment.get_template(name).render(values)
    yield "hosts.csv", _hosts(shape)


def _values(shape: Shape) -> dict[str, Any]:
    core = shape.subnets[0]
    watts = -(-shape.hosts_per_rack * HOST_WATTS // 1000) * 1000
    return {
        "site": shape.site,
        "network": shape.network,
        "per_rack": shape.per_rack,
        "rack_names": [f"r{rack}" for rack in range(1, shape.racks + 1)],
        "watts": max(watts, 4000),
        "host_watts": HOST_WATTS,
        "core": core,
        "services": core[2],
        "hosts": shape.racks * shape.hosts_per_rack,
        "data_spread": shape.data_spread,
    }


def _hosts(shape: Shape) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("name", "rack", "unit", "hardware", "serial", "address", "mac", "asset"))
    for rack, subnet in enumerate(shape.subnets[1:], 1):
        for unit in range(1, shape.hosts_per_rack + 1):
            address = subnet[FIRST_HOST + unit - 1]
            row = (f"r{rack}-h{unit}", f"r{rack}", unit, "small", f"GF{rack:03}{unit:02}", address, _mac(address))
            writer.writerow((*row, f"A-{rack:03}{unit:02}"))
    return text.getvalue()


def _mac(address: IPv4Address) -> str:
    """A locally administered hardware address that is as unique as the address."""
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x00, *address.packed))

"""``greenfield enroll``: pin the host keys of a site, in a file that is reviewed like code."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from greenfield.cli.app import app, out
from greenfield.errors import GreenfieldError

if TYPE_CHECKING:
    from greenfield.provider import hostkeys


@app.command()
def enroll(
    spec: Annotated[Path, typer.Argument(help="Folder or file of the spec.")],
    first_use: Annotated[
        bool, typer.Option("--first-use", help="Trust the keys that hosts show now, for hosts that have none pinned.")
    ] = False,
    keys: Annotated[
        Path | None, typer.Option("--from", help="Take keys from this file (known_hosts form): a console, a DCIM.")
    ] = None,
    replace: Annotated[
        list[str] | None, typer.Option("--replace", help="Pin this host's new key in place of the old (repeatable).")
    ] = None,
) -> None:
    """Pin host keys, without which no host is connected to. Without an option, shows what is pinned and what differs.

    Example: [bold]greenfield enroll examples/lab --from console-keys.txt[/bold]
    """
    from greenfield.provider import hostkeys
    from greenfield.spec import load

    sites = load([spec]).sites
    for site in sites.values():
        path = Path(site.access.known_hosts)
        addresses = {name: host.address for name, host in site.hosts.items()}
        unknown = [name for name in replace or [] if name not in addresses]
        if unknown:
            raise GreenfieldError(f"site {site.name} has no host {', '.join(unknown)}", fix="see greenfield plan SPEC")
        pinned = hostkeys.pinned(path)
        offered = hostkeys.pinned(keys) if keys else {}
        if not keys and (first_use or replace):
            offered = {name: {key} for name, key in asyncio.run(hostkeys.scan(addresses, site.access.port)).items()}
        added = []
        for name, address in addresses.items():
            pattern = hostkeys.pattern(address, site.access.port)
            wanted = name in (replace or []) if replace else (first_use or keys is not None) and pattern not in pinned
            if wanted and pattern in offered:
                pinned[pattern] = offered[pattern]
                added.append(name)
        if added:
            hostkeys.write(path, pinned)
            out.print(f"pinned {len(added)} host keys in {path}: {', '.join(added)}")
        _show(asyncio.run(hostkeys.compare(addresses, site.access.port, path)), len(addresses), path)


def _show(findings: Mapping[str, hostkeys.Finding], hosts: int, path: Path) -> None:
    for name, finding in findings.items():
        out.print(f"{name} {finding.text}")
    out.print(f"{hosts - len(findings)} of {hosts} hosts show the key that {path} pins")
    if findings:
        raise typer.Exit(1)

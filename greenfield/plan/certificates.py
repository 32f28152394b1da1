"""What goes into the certificates of hosts and members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from greenfield.plan.plan import HOST_LAYER, Cell, Plan

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a certificate attests. ``usages`` are the extended key usages."""

    common_name: str
    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    usages: tuple[Literal["server", "client"], ...]


def certificate_subjects(plan: Plan, cell: Cell) -> dict[str, Subject]:
    """The certificate of each host of a cell: a host's own (server only), or a member's (server and client).

    A member's common name is its engine's, so that engines can tell their peers by it.
    """
    found: dict[str, Subject] = {}
    for host in cell.hosts:
        full = f"{host}.{plan.site.domain}"
        address = plan.site.hosts[host].address
        if cell.layer == HOST_LAYER:
            found[host] = Subject(full, (host, full), (address,), ("server",))
        else:
            found[host] = Subject(cell.layer, (host, full, "localhost"), (address, LOOPBACK), ("server", "client"))
    return found

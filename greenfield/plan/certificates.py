"""What goes into the certificates of hosts and members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from greenfield.engines import ENGINES
from greenfield.engines.credential import Bearer
from greenfield.plan.plan import HOST_LAYER, Cell, Plan

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a certificate attests. ``usages`` are the extended key usages."""

    common_name: str
    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    usages: tuple[Literal["server", "client"], ...]

    def as_json(self) -> dict[str, Any]:
        """As plain values. ``dataclasses.asdict`` copies each in depth, which is felt with ten thousand hosts."""
        return {
            "common_name": self.common_name,
            "dns": self.dns,
            "addresses": self.addresses,
            "usages": self.usages,
        }


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


def credentials(plan: Plan, cell: Cell) -> dict[str, dict[str, dict[str, Any]]]:
    """What members of a cell prove themselves with beside their own certificate: host to file name to what it attests,
    as plain values (``Credential.as_json``). Empty for the host layer and for most engines."""
    if cell.layer == HOST_LAYER:
        return {}
    spec = plan.cluster.engines[cell.layer]
    options = {**spec.options, **plan.cluster.engines[plan.head_of(cell.layer)].options}
    found = {}
    for member in plan.members_of(cell.layer):
        if member.host in cell.hosts:
            address = plan.site.hosts[member.host].address
            bearer = Bearer(member.host, plan.site.domain, address, member.slot.name, options)
            given = ENGINES[spec.kind].credentials(bearer)
            if given:
                found[member.host] = {name: credential.as_json() for name, credential in given.items()}
    return found

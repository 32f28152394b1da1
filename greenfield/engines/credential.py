"""What a member gets to prove itself with, beside its own certificate."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate with its key, or a bare key, that a role finds under ``<role>_pki`` by file name.

    Attributes:
        form: ``certificate`` gives ``NAME.crt`` and ``NAME.key``; ``signing-key`` gives ``NAME.key`` and its public
            half ``NAME.pub``; ``secret`` gives ``NAME.secret``, 32 bytes in base64. The last two are the same on every
            host of the engine, for as long as its authority lives.
        authority: who signs: empty for the engine's own authority, else the name of a further one that is derived from
            it; the role finds its certificate as ``AUTHORITY.crt`` (``ca.crt`` for the engine's own).
        of: the option that names another engine of the cluster (one of ``references``): its own authority signs, and
            the role finds that one's certificate as ``AUTHORITY.crt``. No further authority is derived then.
        common_name, organizations, dns, addresses, usages: what the certificate attests.
    """

    form: Literal["certificate", "signing-key", "secret"] = "certificate"
    authority: str = ""
    common_name: str = ""
    organizations: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    usages: tuple[Literal["server", "client"], ...] = ("client",)
    of: str = ""

    def as_json(self) -> dict[str, Any]:
        """As plain values, to travel in a cell's inputs."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who gets credentials: a member, its host, and its engine's options (and those of the engine it belongs to)."""

    host: str
    domain: str
    address: str
    member: str
    options: dict[str, Any]

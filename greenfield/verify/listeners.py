"""What listens on a host."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

import testinfra.host


@dataclass(frozen=True, slots=True)
class Listener:
    """A TCP socket that takes connections; ``address`` may be ``*`` for every address."""

    address: str
    port: int
    process: str

    @property
    def reachable(self) -> bool:
        """Whether another host could connect, firewall aside."""
        return self.address == "*" or not ip_address(self.address).is_loopback

    def __str__(self) -> str:
        return f"{self.address}:{self.port} ({self.process or 'unknown process'})"


def listeners(host: testinfra.host.Host) -> list[Listener]:
    """Every listening TCP socket of a host."""
    return parse(host.check_output("ss -Hltnp"))


def parse(text: str) -> list[Listener]:
    """Read ``ss -Hltnp``."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 5:
            continue
        address, _, port = fields[3].rpartition(":")
        address = address.strip("[]").partition("%")[0]
        process = line.partition('users:(("')[2].partition('"')[0]
        found.append(Listener(address, int(port), process))
    return found

"""Small sites for the lab's own tests, written as specs like a user's."""

from __future__ import annotations

from pathlib import Path

from greenfield.model.site import Site
from greenfield.spec import load

SITE = """\
apiVersion: greenfield/v1
kind: Site
metadata: {{name: {name}}}
spec:
  domain: {name}.internal
  networks:
    hosts: {{cidr: {cidr}, perRack: 24, mtu: 1500}}
  power: {{feeds: [A, B], redundancy: N+1}}
  racks:
{racks}
  hardware:
    small:
      cores: 1
      memory: 512MiB
      disks:
        data: {{size: 1GiB, kind: ssd, byId: "test-{{serial}}-data"}}
        log: {{size: 512MiB, kind: ssd, byId: "test-{{serial}}-log"}}
      nic: 10Gbps
      power: 180W
      units: 1
  hosts:
{hosts}
  access: {{user: ops, identityFile: .access/id_ed25519, knownHosts: .access/known_hosts, from: [{core}.0/24]}}
  mirror: {{url: "http://{core}.2:8080"}}
  time: {{servers: [{core}.2]}}
"""


def small_site(folder: Path, name: str, second: int, third: int, hosts: int) -> Site:
    """A site of ``hosts`` hosts, one a rack, in ``10.<second>.<third>.0/20``; its access files lie in ``folder``."""
    prefix = f"10.{second}"
    racks, rows = [], []
    for number in range(1, hosts + 1):
        racks.append(f"    r{number}: {{row: A, units: 42, feeds: {{A: 4kW, B: 4kW}}, tor: [r{number}-sw1]}}")
        rows.append(
            f"    - {{name: r{number}-h1, rack: r{number}, unit: 1, hardware: small, serial: T{second}{third}{number}, "
            f"address: {prefix}.{third + number}.11, mac: '02:{second}:00:{third:02x}:{number:02x}:0b'}}"
        )
    text = SITE.format(
        name=name,
        cidr=f"{prefix}.{third}.0/20",
        core=f"{prefix}.{third}",
        racks="\n".join(racks),
        hosts="\n".join(rows),
    )
    (folder / "site.yaml").write_text(text)
    return load([folder / "site.yaml"]).sites[name]

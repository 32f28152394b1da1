"""Writes the spec of a large site: racks of hosts as a CSV, and a cluster of node pools with two engines each.

    python bench/generate.py FOLDER [--hosts 10000] [--racks 250] [--engines 40]

The same arguments give the same bytes. The racks are dealt out to blocks of neighbours, one for each node pool, as a
site of this size is built; a pool takes all hosts of its block and carries an etcd of five members and a Redis cluster
on four fifths of its hosts.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import yaml

UNITS = 48
HARDWARE = "standard"
HOST_WATTS = 350
FIRST_SUBNET = 10 << 24 | 16 << 16
"""10.16.0.0, the first address of the hosts' network; each rack has a /24 of it."""


def main() -> None:
    """Read the arguments, write the files, say where they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--racks", type=int, default=250)
    parser.add_argument("--engines", type=int, default=40)
    arguments = parser.parse_args()
    generate(arguments.folder, arguments.hosts, arguments.racks, arguments.engines)
    print(f"{arguments.folder}: {arguments.hosts} hosts in {arguments.racks} racks, {arguments.engines} engines")


def generate(folder: Path, hosts: int, racks: int, engines: int) -> None:
    """Write ``site.yaml``, ``hosts.csv`` and ``cluster.yaml`` into a folder, which is made if need be.

    Raises:
        ValueError: the hosts don't fit into the racks, or engines are not in pairs.
    """
    if hosts > racks * UNITS or hosts % racks:
        raise ValueError(f"{hosts} hosts don't fill {racks} racks of {UNITS} units evenly")
    if engines < 2 or engines % 2 or racks < engines // 2 * 5:
        raise ValueError(f"{engines} engines are not pairs of an etcd and a Redis cluster with five racks each")
    folder.mkdir(parents=True, exist_ok=True)
    _write_hosts(folder / "hosts.csv", hosts, racks, engines // 2)
    _write_document(folder / "site.yaml", _site(racks))
    _write_document(folder / "cluster.yaml", _cluster(hosts, racks, engines // 2))


def _block(rack: int, racks: int, blocks: int) -> int:
    """The block a rack belongs to; racks and blocks count from 1."""
    return (rack - 1) * blocks // racks + 1


def _write_hosts(path: Path, hosts: int, racks: int, blocks: int) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["name", "rack", "unit", "hardware", "serial", "address", "mac", "asset", "label:block"])
        for rack in range(1, racks + 1):
            for unit in range(1, hosts // racks + 1):
                address = FIRST_SUBNET + (rack << 8) + 10 + unit
                rows.writerow(
                    [
                        f"r{rack:03}-h{unit:02}",
                        f"r{rack:03}",
                        unit,
                        HARDWARE,
                        f"GF{rack:03}{unit:02}",
                        ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0)),
                        f"02:00:00:{rack >> 8:02x}:{rack & 255:02x}:{unit:02x}",
                        f"A-{rack:03}{unit:02}",
                        f"b{_block(rack, racks, blocks):02}",
                    ]
                )


def _write_document(path: Path, document: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(document, sort_keys=False, width=120), encoding="utf-8")


def _site(racks: int) -> dict[str, Any]:
    return {
        "apiVersion": "greenfield/v1",
        "kind": "Site",
        "metadata": {"name": "large"},
        "spec": {
            "domain": "large.internal",
            "networks": {"hosts": {"cidr": "10.16.0.0/12", "perRack": 24, "mtu": 1500}},
            "power": {"feeds": ["A", "B"], "redundancy": "N+1"},
            "racks": {
                f"r{rack:03}": {
                    "row": f"row-{(rack - 1) // 10 + 1}",
                    "units": UNITS,
                    "feeds": {"A": "20kW", "B": "20kW"},
                    "tor": [f"r{rack:03}-sw1", f"r{rack:03}-sw2"],
                }
                for rack in range(1, racks + 1)
            },
            "hardware": {
                HARDWARE: {
                    "cores": 32,
                    "memory": "128GiB",
                    "disks": {"data": {"size": "2TB", "kind": "nvme", "byId": "nvme-{serial}-data"}},
                    "nic": "25Gbps",
                    "power": f"{HOST_WATTS}W",
                    "units": 1,
                }
            },
            "hostsFrom": "hosts.csv",
            "access": {"user": "ops", "knownHosts": "known_hosts", "from": ["10.15.0.0/24"]},
            "mirror": {"url": "http://10.15.0.2:8080"},
            "time": {"servers": ["10.15.0.2", "10.15.0.3"]},
        },
    }


def _cluster(hosts: int, racks: int, blocks: int) -> dict[str, Any]:
    protection = {"owner": "platform", "class": "internal", "rpo": "1h", "rto": "30m", "retention": "14d"}
    pools: dict[str, Any] = {}
    engines: dict[str, Any] = {}
    for block in range(1, blocks + 1):
        pool = f"pool-{block:02}"
        count = hosts // racks * sum(_block(rack, racks, blocks) == block for rack in range(1, racks + 1))
        pools[pool] = {
            "hardware": HARDWARE,
            "count": count,
            "labels": {"block": f"b{block:02}"},
            "spread": {"over": "rack", "atMost": hosts // racks},
        }
        engines[f"store-{block:02}"] = {
            "kind": "etcd",
            "version": "3.6",
            "pool": pool,
            "members": 5,
            "quota": "4GiB",
            "dataProtection": protection,
        }
        engines[f"cache-{block:02}"] = {
            "kind": "redis",
            "version": "7.0",
            "pool": pool,
            "shards": count * 2 // 5,
            "replicas": 1,
            "memory": "48GiB",
            "dataProtection": protection,
        }
    return {
        "apiVersion": "greenfield/v1",
        "kind": "Cluster",
        "metadata": {"name": "large"},
        "spec": {
            "site": "large",
            "standard": "idc-2026",
            "nodePools": pools,
            "engines": engines,
        },
    }


if __name__ == "__main__":
    main()

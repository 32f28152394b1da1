"""A small spec with a standard of its own, for tests that judge without hosts."""

from __future__ import annotations

from pathlib import Path

SITE = """
apiVersion: greenfield/v1
kind: Site
metadata: {name: tiny}
spec:
  domain: tiny.internal
  networks: {hosts: {cidr: 10.99.0.0/16, perRack: 24, mtu: 1500}}
  power: {feeds: [A, B], redundancy: N+1}
  racks:
    r1: {row: A, units: 42, feeds: {A: 4kW, B: 4kW}, tor: [r1-sw1]}
    r2: {row: A, units: 42, feeds: {A: 4kW, B: 4kW}, tor: [r2-sw1]}
    r3: {row: A, units: 42, feeds: {A: 4kW, B: 4kW}, tor: [r3-sw1]}
  hardware:
    small:
      cores: 2
      memory: 2GiB
      disks: {data: {size: 4GiB, kind: ssd, byId: "greenfield-{serial}-data"}}
      nic: 10Gbps
      power: 180W
      units: 1
  hostsFrom: hosts.csv
  access: {user: ops, knownHosts: known_hosts, from: [10.99.0.0/24]}
  mirror: {url: "http://10.99.0.2:8080"}
  time: {servers: [10.99.0.2]}
"""

HOSTS = """name,rack,unit,hardware,serial,address,mac,asset
r1-h1,r1,1,small,T101,10.99.1.11,02:99:00:00:01:0b,A-101
r2-h1,r2,1,small,T201,10.99.2.11,02:99:00:00:02:0b,A-201
r3-h1,r3,1,small,T301,10.99.3.11,02:99:00:00:03:0b,A-301
"""

CLUSTER = """
apiVersion: greenfield/v1
kind: Cluster
metadata: {name: tiny}
spec:
  site: tiny
  standard: tiny
  nodePools: {all: {hardware: small, count: 3, spread: {over: rack, atMost: 1}}}
  engines: {kv: {kind: etcd, version: "3.6", pool: all, members: 3, quota: 512MiB}}
"""

STANDARD = """
apiVersion: greenfield/v1
kind: Standard
metadata: {name: tiny}
spec:
  title: Two controls of hosts and one of an engine
  controls:
    - {id: HOST-001, group: host, scope: host, title: First, source: a made-up source}
    - {id: HOST-002, group: host, scope: host, title: Second, source: a made-up source, thresholds: {most: 3}}
    - {id: ETCD-001, group: etcd, scope: engine, title: Third, source: a made-up source}
"""


def write_spec(folder: Path, waivers: str = "") -> Path:
    """Write the spec into a folder; ``waivers`` is YAML below the cluster's ``spec``."""
    (folder / "site.yaml").write_text(SITE)
    (folder / "hosts.csv").write_text(HOSTS)
    (folder / "cluster.yaml").write_text(CLUSTER + waivers)
    (folder / "standard.yaml").write_text(STANDARD)
    return folder

"""Containers: hosts that run containers from the site's registry, without Kubernetes."""

from __future__ import annotations

from collections.abc import Sequence

from greenfield.engines.descriptor import EngineKind, HostSettings, Slot
from greenfield.model.cluster import EngineSpec

DAEMON_MEMORY_BYTES = 100 * 2**20
"""containerd with a few shims; about 60 MiB resident in the lab."""


def _slots(engine: EngineSpec) -> Sequence[Slot]:
    return [
        Slot(
            name=f"host-{index:04d}",
            group=f"host-{index:04d}",
            quorum=0,
            memory_bytes=DAEMON_MEMORY_BYTES + int(engine.options["memory_bytes"]),
            disk_bytes=int(engine.options["volumes_bytes"]),
            ports=(),
            directories=(f"/data/{engine.name}",),
            role="host",
        )
        for index in range(1, int(engine.options["hosts"]) + 1)
    ]


CONTAINERS = EngineKind(
    name="containers",
    versions=("1.6",),
    role="containerd",
    slots=_slots,
    host_settings=lambda _engine: HostSettings(sysctls={"net.ipv4.ip_forward": "1"}, open_files=65536),
    artifacts=lambda _version: ("containers",),
    check=lambda _engine: (),
    variables=lambda engine: {"root": f"/data/{engine.name}/containerd"},
    fewer=lambda hosts: ("hosts", f"hosts: {hosts}" if hosts else ""),
    data_tier=False,
)

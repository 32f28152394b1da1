"""Which kernel settings of a host are only its own record (a host that shares its kernel, as in a lab)."""

from __future__ import annotations

import testinfra.host

MARKER = "/run/greenfield/shared-kernel"


def shared_kernel(host: testinfra.host.Host) -> frozenset[str]:
    """Keys (``vm.swappiness``) and paths below /sys that the host records but that are not in force in its kernel."""
    return frozenset(host.check_output(f"cat {MARKER} 2>/dev/null || true").split())

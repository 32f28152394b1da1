"""One descriptor per engine kind: its options, ports, quorum rule, host settings, capacity model and artifacts."""

from greenfield.engines.descriptor import Capacity, EngineKind
from greenfield.engines.etcd import ETCD
from greenfield.engines.redis import REDIS

ENGINES: dict[str, EngineKind] = {kind.name: kind for kind in (ETCD, REDIS)}
"""Every engine kind that a spec may name, by its name."""

__all__ = ["ENGINES", "Capacity", "EngineKind"]

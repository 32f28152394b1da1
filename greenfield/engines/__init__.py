"""One descriptor per engine kind: its options, ports, quorum rule, host settings, capacity model and artifacts."""

from greenfield.engines.containers import CONTAINERS
from greenfield.engines.descriptor import Capacity, EngineKind
from greenfield.engines.etcd import ETCD
from greenfield.engines.kubernetes import KUBERNETES, STACKED
from greenfield.engines.kubernetes_workers import KUBERNETES_WORKERS
from greenfield.engines.redis import REDIS

ENGINES: dict[str, EngineKind] = {kind.name: kind for kind in (CONTAINERS, ETCD, KUBERNETES, KUBERNETES_WORKERS, REDIS)}
"""Every engine kind that a spec may name, by its name."""

STANDALONE = frozenset({STACKED})
"""Values of a referring option that name no engine."""

__all__ = ["ENGINES", "STANDALONE", "Capacity", "EngineKind"]

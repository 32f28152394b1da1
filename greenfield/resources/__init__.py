"""Pulumi components: declare a cluster from its plan. ``Cluster`` is what programs use."""

from greenfield.resources.begin import begin
from greenfield.resources.cluster import Cluster, ClusterArgs
from greenfield.resources.engine import Engine, EngineArgs
from greenfield.resources.node_pool import NodePool, NodePoolArgs
from greenfield.resources.site import Site, SiteArgs

__all__ = [
    "Cluster",
    "ClusterArgs",
    "Engine",
    "EngineArgs",
    "NodePool",
    "NodePoolArgs",
    "Site",
    "SiteArgs",
    "begin",
]

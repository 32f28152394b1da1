"""Pulumi components: what is declared on a cluster's Kubernetes engine. ``Platform`` is what programs use."""

from greenfield.platform.nodes import Node
from greenfield.platform.platform import Platform, PlatformArgs
from greenfield.platform.tenant import Tenant, TenantArgs
from greenfield.platform.workload import Workload, WorkloadArgs

__all__ = ["Node", "Platform", "PlatformArgs", "Tenant", "TenantArgs", "Workload", "WorkloadArgs"]

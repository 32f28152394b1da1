"""``greenfield:index:Workload``: objects of Kubernetes in a tenant's namespace, and what keeps them up in drains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi

from greenfield.model.platform import Workload as WorkloadSpec
from greenfield.platform.sdk import declare
from greenfield.platform.tenant import Tenant

DEADLINE = "pulumi.com/timeoutSeconds"
ROLLING = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True)
class WorkloadArgs:
    """A workload of a platform, its tenant, whose guards stand before it starts, and what else must stand."""

    workload: WorkloadSpec
    tenant: Tenant
    after: tuple[pulumi.Resource, ...] = ()


class Workload(pulumi.ComponentResource):
    """A workload. Outputs: ``objects`` (``Kind/name`` of each, known once it is ready)."""

    objects: pulumi.Output[list[str]]

    def __init__(self, name: str, args: WorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Workload", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self, depends_on=[args.tenant.home, *args.tenant.guards, *args.after])
        wanted = list(objects(args.workload))
        made = [declare(f"{name}-{each['kind'].lower()}-{each['metadata']['name']}", each, child) for each in wanted]
        labels = [f"{each['kind']}/{each['metadata']['name']}" for each in wanted]
        self.objects = pulumi.Output.all(*(each.id for each in made)).apply(lambda _: labels)
        self.register_outputs({"objects": self.objects})


def objects(workload: WorkloadSpec) -> Iterator[dict[str, Any]]:
    """Every object, in the tenant's namespace and with the workload's deadline, then the disruption budgets."""
    for each in workload.objects:
        metadata = dict(each["metadata"])
        annotations = {DEADLINE: str(workload.deadline_seconds), **(metadata.get("annotations") or {})}
        yield {**each, "metadata": {**metadata, "namespace": workload.tenant, "annotations": annotations}}
    budgeted = [_selected(each) for each in workload.objects if each["kind"] == "PodDisruptionBudget"]
    for each in workload.objects:
        several = each["kind"] in ROLLING and (each.get("spec") or {}).get("replicas", 1) > 1
        if several and _selected(each) not in budgeted:
            yield {
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": {"name": each["metadata"]["name"], "namespace": workload.tenant},
                "spec": {"maxUnavailable": workload.disruptions, "selector": _selected(each)},
            }


def _selected(found: Any) -> Any:
    return (found.get("spec") or {}).get("selector")

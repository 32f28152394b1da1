"""From the document of a platform, and the manifests it names, to its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greenfield.model.platform import (
    Amounts,
    Groups,
    LocalVolume,
    Platform,
    PoolNodes,
    PriorityClass,
    Quota,
    StorageClass,
    Taint,
    Tenant,
    Workload,
)
from greenfield.model.problem import SpecPath
from greenfield.model.quantity import BYTES, DURATION
from greenfield.spec import chart, manifest
from greenfield.spec.draft import Draft
from greenfield.spec.manifest import ManifestObject

PROVISIONER_OF_LOCAL = "kubernetes.io/no-provisioner"
"""Kubernetes' own name for volumes that nobody makes on demand."""


@dataclass(frozen=True, slots=True)
class BuiltPlatform:
    """A platform's model, the document it came from, and the objects of each workload with their places."""

    platform: Platform
    draft: Draft
    objects: Mapping[str, tuple[ManifestObject, ...]]


def build(draft: Draft, release: str) -> BuiltPlatform:
    """The platform in a document; what is wrong goes into the draft's problems.

    Args:
        release: of Kubernetes that it stands on, ``1.35.4``; empty where it is not known.
    """
    objects = {name: _read(draft, name, raw, release) for name, raw in draft.entities("workloads")}
    platform = Platform(
        name=draft.name,
        cluster=draft.text("cluster"),
        engine=draft.text("engine"),
        nodes={name: _nodes(raw) for name, raw in draft.entities("nodes")},
        priority_classes={name: _priority(name, raw) for name, raw in draft.entities("priorityClasses")},
        default_priority_class=draft.text("defaultPriorityClass"),
        storage_classes={name: _storage(draft, name, raw) for name, raw in draft.entities("storageClasses")},
        default_storage_class=draft.text("defaultStorageClass"),
        tenants={name: _tenant(draft, name, raw) for name, raw in draft.entities("tenants")},
        workloads={name: _workload(draft, name, raw, objects[name]) for name, raw in draft.entities("workloads")},
    )
    return BuiltPlatform(platform, draft, objects)


def _nodes(raw: Mapping[str, Any]) -> PoolNodes:
    taints = tuple(Taint(each["key"], each.get("value", ""), each["effect"]) for each in raw.get("taints", ()))
    return PoolNodes(raw.get("labels", {}), taints)


def _priority(name: str, raw: Mapping[str, Any]) -> PriorityClass:
    return PriorityClass(name, raw["value"], raw.get("preemption") != "never", raw.get("about", ""))


def _storage(draft: Draft, name: str, raw: Mapping[str, Any]) -> StorageClass:
    local = raw.get("local")
    if local is None:
        return StorageClass(name, None, raw["provisioner"], raw.get("parameters", {}), raw.get("reclaim", "retain"))
    size = draft.quantity(local["size"], BYTES, ("storageClasses", name, "local", "size"))
    volume = LocalVolume(local["pool"], local["path"], int(size))
    return StorageClass(name, volume, PROVISIONER_OF_LOCAL, {}, "retain")


def _tenant(draft: Draft, name: str, raw: Mapping[str, Any]) -> Tenant:
    at: SpecPath = ("tenants", name)
    groups, quota = raw.get("groups", {}), raw.get("quota", {})
    return Tenant(
        name=name,
        owner=raw["owner"],
        labels=raw.get("labels", {}),
        groups=Groups(*(tuple(groups.get(key, ())) for key in ("admin", "edit", "view"))),
        quota=Quota(
            quota.get("cpu"),
            _bytes(draft, quota, "memory", (*at, "quota")),
            _bytes(draft, quota, "storage", (*at, "quota")),
            quota.get("volumes"),
            quota.get("pods"),
        ),
        limits=_amounts(draft, raw.get("limits", {}), (*at, "limits")),
        requests=_amounts(draft, raw.get("requests", {}), (*at, "requests")),
        pod_security=raw.get("podSecurity", "restricted"),
        access_from=tuple(raw.get("accessFrom", ())),
    )


def _amounts(draft: Draft, raw: Mapping[str, Any], at: SpecPath) -> Amounts:
    return Amounts(raw.get("cpu"), _bytes(draft, raw, "memory", at))


def _bytes(draft: Draft, raw: Mapping[str, Any], key: str, at: SpecPath) -> int | None:
    return int(draft.quantity(raw[key], BYTES, (*at, key))) if key in raw else None


def _read(draft: Draft, name: str, raw: Mapping[str, Any], release: str) -> tuple[ManifestObject, ...]:
    if "chart" in raw and "manifests" not in raw:
        return chart.read(draft, name, raw, release)
    found: list[ManifestObject] = []
    for index, said in enumerate(raw.get("manifests", ())):
        file = Path(draft.file(said))
        if file.is_file():
            found += manifest.read(file, draft.problems)
        else:
            fix = "correct the path: it counts from the folder of this file"
            draft.add(("workloads", name, "manifests", index), f"there is no file {said}", fix, "file")
    return tuple(found)


def _workload(draft: Draft, name: str, raw: Mapping[str, Any], objects: tuple[ManifestObject, ...]) -> Workload:
    at: SpecPath = ("workloads", name)
    if "chart" in raw and "manifests" in raw:
        draft.add(at, "it has both a chart and manifests", "make two workloads of it", "chart")
    elif "chart" not in raw and "manifests" not in raw:
        draft.add(at, '"manifests" is missing', "add manifests: [web.yaml], or chart: charts/web", "missing-key")
    if "values" in raw and "chart" not in raw:
        draft.add(
            (*at, "values"), "there is no chart that these values are for", "name the chart, or remove them", "chart"
        )
    seconds = draft.quantity(raw.get("deadline", "10m"), DURATION, (*at, "deadline"))
    return Workload(name, raw["tenant"], tuple(each.data for each in objects), int(seconds), raw.get("disruptions", 1))

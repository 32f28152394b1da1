"""From an object of Kubernetes as it is written to a resource of ``pulumi-kubernetes``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pulumi

Object = Mapping[str, Any]

OWNS = "pulumi.com/patchForce"
"""Annotation by which the plugin takes over a field that someone else has changed, instead of refusing."""

NO_WAIT = "pulumi.com/skipAwait"
UNAWAITED = ("Ingress", "PersistentVolume", "PersistentVolumeClaim")
"""Kinds that count as ready once the server has them. The plugin waits until a claim of a class that binds late is
pending, also for one that is bound; until a volume is free or bound, also for one that someone has yet to empty; and
for an ingress' address, which is given by whatever a site has for it, or by nobody."""

REMADE: Mapping[str, list[str]] = {
    "PriorityClass": ["value", "preemptionPolicy"],
    "ReplicaSet": ["spec.selector"],
    "ResourceQuota": ["spec.scopeSelector"],
    "StorageClass": ["reclaimPolicy", "volumeBindingMode"],
}
"""Fields that the server never lets change, beyond those that the plugin makes an object anew for by itself."""


def declare(
    name: str, wanted: Object, options: pulumi.ResourceOptions, *, patch: bool = False
) -> pulumi.CustomResource:
    """Declare an object, whose declared fields are the platform's own whoever has changed them.

    Args:
        name: the resource's name in the stack.
        wanted: the object with ``apiVersion`` and ``kind``.
        options: names at least the provider.
        patch: it exists already, and only what is named here is set in it.
    """
    api_version, kind = str(wanted["apiVersion"]), str(wanted["kind"])
    # The plugin would wait for a suspended Job, too.
    unawaited = kind in UNAWAITED or (kind == "Job" and (wanted.get("spec") or {}).get("suspend"))
    marks = {OWNS: "true", **({NO_WAIT: "true"} if unawaited else {})}
    annotations = {**marks, **(wanted["metadata"].get("annotations") or {})}
    wanted = {**wanted, "metadata": {**wanted["metadata"], "annotations": annotations}}
    if kind in REMADE and not patch:
        # Two of one name can't stand side by side.
        anew = pulumi.ResourceOptions(replace_on_changes=REMADE[kind], delete_before_replace=True)
        options = pulumi.ResourceOptions.merge(options, anew)
    made = _class(api_version, kind + ("Patch" if patch else ""))
    if made is None:
        from pulumi_kubernetes.apiextensions import CustomResource

        return CustomResource(name, api_version, kind, wanted.get("spec"), wanted["metadata"], options)
    given = {_snake(key): value for key, value in wanted.items() if key not in ("apiVersion", "kind", "status")}
    found = made(name, opts=options, **given)
    assert isinstance(found, pulumi.CustomResource)
    return found


def _class(api_version: str, kind: str) -> Any:
    """The SDK's class of a kind, or ``None`` for a kind that Kubernetes itself does not have."""
    group, _, version = api_version.rpartition("/")
    if "." in group and not group.endswith(".k8s.io"):
        return None
    try:
        return getattr(import_module(f"pulumi_kubernetes.{group.partition('.')[0] or 'core'}.{version}"), kind, None)
    except ModuleNotFoundError:
        return None


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()

"""Fields that Kubernetes never lets change: the object has to be made anew.

Source: the update validation of Kubernetes 1.35 (pkg/apis/*/validation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]

_SPEC_BUT: Mapping[str, frozenset[str]] = {
    "StatefulSet": frozenset(
        {
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
            "revisionHistoryLimit",
        }
    ),
    "PersistentVolumeClaim": frozenset({"resources", "volumeAttributesClassName"}),
    "PersistentVolume": frozenset(
        {
            "capacity",
            "accessModes",
            "claimRef",
            "mountOptions",
            "persistentVolumeReclaimPolicy",
            "storageClassName",
            "volumeAttributesClassName",
        }
    ),
    "Job": frozenset({"parallelism", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "suspend", "backoffLimit"}),
}
"""Kinds of whose spec only these keys may change."""

_FIXED: Mapping[str, tuple[Path, ...]] = {
    "Deployment": (("spec", "selector"),),
    "ReplicaSet": (("spec", "selector"),),
    "DaemonSet": (("spec", "selector"),),
    "ReplicationController": (("spec", "selector"),),
    "Job": (("spec", "template"),),
    "Service": (("spec", "clusterIP"), ("spec", "clusterIPs")),
    "Secret": (("type",),),
    "StorageClass": (("provisioner",), ("parameters",), ("reclaimPolicy",), ("volumeBindingMode",)),
    "PriorityClass": (("value",), ("preemptionPolicy",)),
    "RoleBinding": (("roleRef",),),
    "ClusterRoleBinding": (("roleRef",),),
    "IngressClass": (("spec", "controller"),),
    "RuntimeClass": (("handler",),),
    "CSIDriver": (("spec", "attachRequired"), ("spec", "volumeLifecycleModes")),
    "CertificateSigningRequest": (("spec",),),
    "ResourceQuota": (("spec", "scopes"), ("spec", "scopeSelector")),
    "CustomResourceDefinition": (("spec", "group"), ("spec", "scope"), ("spec", "names", "kind")),
}

_POD_MAY = (("spec", "activeDeadlineSeconds"), ("spec", "tolerations"), ("spec", "terminationGracePeriodSeconds"))
_ALWAYS: tuple[Path, ...] = (("kind",), ("metadata", "name"), ("metadata", "namespace"))


def is_fixed(kind: str, path: Path, old: Mapping[str, Any]) -> bool:
    """Whether a change at a path needs the object to be made anew.

    Args:
        kind: the object's kind.
        path: place of the change.
        old: the inputs before it.
    """
    if any(_within(path, fixed) for fixed in (*_ALWAYS, *_FIXED.get(kind, ()))):
        return True
    if kind in _SPEC_BUT and path[:1] == ("spec",):
        return len(path) > 1 and path[1] not in _SPEC_BUT[kind]
    if kind == "Pod" and path[:1] == ("spec",):
        image = len(path) == 4 and path[1] in ("containers", "initContainers") and path[3] == "image"
        return not image and not any(_within(path, allowed) for allowed in _POD_MAY)
    return kind in ("ConfigMap", "Secret") and _content(path, old)


def _content(path: Path, old: Mapping[str, Any]) -> bool:
    """Content of a ConfigMap or Secret: new under a name that is made up (so that pods roll), or when it is sealed."""
    annotations = (old.get("metadata") or {}).get("annotations") or {}
    sealed = old.get("immutable") is True or annotations.get("pulumi.com/autonamed") == "true"
    return sealed and path[0] in ("data", "binaryData", "immutable")


def _within(path: Sequence[str | int], fixed: Path) -> bool:
    return tuple(path[: len(fixed)]) == fixed

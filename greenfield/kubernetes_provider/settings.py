"""The provider's configuration, as ``pulumi_kubernetes.Provider`` sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greenfield.provider.values import UNKNOWN

REFUSED = ("renderYamlToDirectory", "alwaysRender")
"""Rendering manifests to files is another program's work."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What of the configuration this plugin follows.

    Attributes:
        kubeconfig: its content or its path; empty means the user's own.
        context: context of the kubeconfig; empty means the current one.
        namespace: where objects go that name none; empty means the context's own, else ``default``.
        force: take fields over from other field managers instead of refusing.
        upsert: creating an object that is there takes it over instead of refusing.
        forget_unreachable: deleting from a cluster that does not answer only forgets.
    """

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    force: bool = False
    upsert: bool = False
    forget_unreachable: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """From properties; what is not a text travels as JSON text."""
        return cls(
            _text(values.get("kubeconfig")),
            _text(values.get("context")),
            _text(values.get("namespace")),
            _flag(values.get("enablePatchForce")),
            _flag(values.get("upsertExistingObjects")),
            _flag(values.get("deleteUnreachable")),
        )


def faults(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What of a configuration can't be followed, as (property, reason)."""
    found = [(key, "is not covered by Greenfield's Kubernetes plugin") for key in REFUSED if values.get(key)]
    applied = values.get("enableServerSideApply")
    if applied is not None and applied is not UNKNOWN and not _flag(applied):
        found.append(("enableServerSideApply", "can't be switched off: this plugin knows only server-side apply"))
    return found


def moves(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Properties by whose change the provider names another cluster, so that everything has to be made there anew.

    A kubeconfig whose server or whose authority stays the same is of the same cluster: certificates and users are
    renewed, endpoints move.
    """
    if old.get("clusterIdentifier") or new.get("clusterIdentifier"):
        return ["clusterIdentifier"] if old.get("clusterIdentifier") != new.get("clusterIdentifier") else []
    before, after = _cluster(old), _cluster(new)
    if not before or not after or any(one == other for one, other in zip(before, after, strict=True)):
        return []
    return ["kubeconfig"]


def _cluster(values: Mapping[str, Any]) -> tuple[str, str] | None:
    """Server and authority of a kubeconfig given as content."""
    import yaml

    try:
        loaded = yaml.safe_load(_text(values.get("kubeconfig")))
        wanted = _text(values.get("context")) or loaded.get("current-context")
        context = next(each["context"] for each in loaded["contexts"] if each["name"] == wanted)
        cluster = next(each["cluster"] for each in loaded["clusters"] if each["name"] == context["cluster"])
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, StopIteration):
        return None
    authority = cluster.get("certificate-authority-data") or cluster.get("certificate-authority") or ""
    return str(cluster.get("server")), str(authority)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _flag(value: Any) -> bool:
    return value is True or str(value).lower() == "true"

"""Which object a resource stands for: from Pulumi's type token and the resource's properties."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from greenfield.errors import ProviderError
from greenfield.kubernetes_provider.api import Json
from greenfield.model.kubernetes import CLUSTER_SCOPED

AUTONAMED = "pulumi.com/autonamed"
SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT = "pulumi.com/timeoutSeconds"
PATCH_FORCE = "pulumi.com/patchForce"
PATCH_MANAGER = "pulumi.com/patchFieldManager"
WAIT_FOR = "pulumi.com/waitFor"
MANAGERS = "pulumi-kubernetes-"
"""What the field managers of stacks begin with, the official plugin's too."""
PROPAGATION = "pulumi.com/deletionPropagationPolicy"

REFUSED = {
    "kubernetes:helm.sh/v3:Release": "Helm releases",
    "kubernetes:helm.sh/v4:Chart": "Helm charts",
    "kubernetes:kustomize/v2:Directory": "kustomize folders",
    "kubernetes:yaml/v2:ConfigFile": "Components of yaml.v2.ConfigFile",
    "kubernetes:yaml/v2:ConfigGroup": "Components of yaml.v2.ConfigGroup",
}
INSTEAD = (
    "declare its objects (pulumi_kubernetes.yaml.ConfigFile reads manifests), "
    "or install the official plugin (docs/platform.md)"
)


def refuse(token: str) -> None:
    """Raises ProviderError for a type or function that this plugin does not cover."""
    what = REFUSED.get(token)
    if what is None and token.split(":")[1].startswith(("helm", "kustomize", "yaml")):
        what = token
    if what is not None:
        raise ProviderError(f"{what} are not covered by Greenfield's Kubernetes plugin", fix=INSTEAD)


@dataclass(frozen=True, slots=True)
class Target:
    """An object of a cluster.

    Attributes:
        namespace: empty where it has none or takes the provider's own.
        patch: the resource changes an object that it neither creates nor deletes (``NodePatch``).
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    patch: bool

    def placed(self, namespaced: bool) -> Target:
        """As the cluster places it: only there it is known whether a custom resource has a namespace."""
        return self if namespaced else replace(self, namespace="")

    @property
    def label(self) -> str:
        """For people: ``Deployment shop/web``."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def identity(self) -> str:
        """The resource's id: ``namespace/name`` or ``name``."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def of_token(token: str) -> tuple[str, str, bool]:
    """API version, kind and whether it patches, of a type token such as ``kubernetes:core/v1:NodePatch``."""
    _, group, kind = token.split(":", 2)
    api_version = group.removeprefix("core/")
    # The SDK makes a ...Patch of every kind of Kubernetes itself; a custom resource may well be called so.
    patch = kind.endswith("Patch") and ("." not in group or group.partition("/")[0].endswith(".k8s.io"))
    return api_version, kind.removesuffix("Patch") if patch else kind, patch


def target(token: str, values: Mapping[str, Any], default_namespace: str = "", identity: str = "") -> Target:
    """The object that properties, or a resource's id, name."""
    api_version, kind, patch = of_token(token)
    api_version = str(values.get("apiVersion") or api_version)
    kind = str(values.get("kind") or kind)
    metadata = values.get("metadata") or {}
    namespace, _, name = identity.rpartition("/")
    name = str(metadata.get("name") or name)
    namespace = str(metadata.get("namespace") or namespace)
    if kind in CLUSTER_SCOPED:
        namespace = ""
    return Target(api_version, kind, namespace or ("" if kind in CLUSTER_SCOPED else default_namespace), name, patch)


def annotation(values: Mapping[str, Any], name: str) -> str:
    """An annotation's value; empty where it is absent."""
    return str(((values.get("metadata") or {}).get("annotations") or {}).get(name) or "")


def field_manager(urn: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> str:
    """Who owns the fields: always the same for a resource, so that a run that was killed finds what it had made.

    A state of the official plugin names its own, which is kept.
    """
    kept = state.get("__fieldManager")
    return str(kept or annotation(inputs, PATCH_MANAGER) or MANAGERS + _short(urn))


def _short(urn: str) -> str:
    return hashlib.sha256(urn.encode()).hexdigest()[:8]


def managed_by(live: Json, manager: str) -> bool:
    """Whether a field manager, or one of those that begin so, owns fields of an object."""
    fields = (live.get("metadata") or {}).get("managedFields") or []
    return any(str(each.get("manager")).startswith(manager) for each in fields)

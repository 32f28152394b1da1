"""Reads manifests for ``pulumi_kubernetes.yaml``: ``ConfigFile`` and ``ConfigGroup`` ask for it."""

from __future__ import annotations

from typing import Any

from greenfield.errors import ProviderError
from greenfield.kubernetes_provider.api import Json


def decode(text: str, namespace: str = "") -> list[Json]:
    """Objects of a YAML text, lists taken apart; ``namespace`` goes into those that name none.

    Raises:
        ProviderError: it is no YAML, or a document in it is no object of Kubernetes.
    """
    import yaml

    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ProviderError(f"a manifest is no YAML{where}: {getattr(error, 'problem', error)}") from None
    return [_placed(each, namespace) for found in documents if found is not None for each in _flat(found)]


def _flat(found: Any) -> list[Json]:
    if not isinstance(found, dict) or not found.get("apiVersion") or not found.get("kind"):
        raise ProviderError("a document of a manifest has no apiVersion or kind", fix="write one object a document")
    if str(found["kind"]).endswith("List") and isinstance(found.get("items"), list):
        return [each for item in found["items"] for each in _flat(item)]
    return [found]


def _placed(found: Json, namespace: str) -> Json:
    metadata = found.get("metadata") or {}
    if namespace and not metadata.get("namespace"):
        return {**found, "metadata": {**metadata, "namespace": namespace}}
    return found

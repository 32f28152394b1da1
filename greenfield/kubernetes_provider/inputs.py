"""What a resource's inputs become before they are kept: complete, with a name, in the form the server stores."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from typing import Any

from greenfield.kubernetes_provider.target import AUTONAMED, TIMEOUT, WAIT_FOR, annotation, of_token
from greenfield.provider.values import UNKNOWN, has_unknown

SERVER_ONLY = ("status",)
SERVER_METADATA = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")


def complete(token: str, name: str, news: Mapping[str, Any], olds: Mapping[str, Any], seed: bytes) -> dict[str, Any]:
    """Inputs with apiVersion, kind and a name; a Secret's ``stringData`` moved into ``data``, as the server does."""
    api_version, kind, patch = of_token(token)
    inputs = {key: without_none(value) for key, value in news.items() if key not in SERVER_ONLY}
    inputs = {"apiVersion": api_version, "kind": kind, **inputs}
    metadata = inputs.get("metadata")
    if metadata is not UNKNOWN:
        inputs["metadata"] = _named(dict(metadata or {}), name, olds.get("metadata") or {}, seed, patch)
    if inputs["kind"] == "Secret" and isinstance(inputs.get("stringData"), Mapping):
        data = {key: _encoded(value) for key, value in inputs.pop("stringData").items()}
        inputs["data"] = {**(inputs.get("data") or {}), **data}
    return inputs


def faults(inputs: Mapping[str, Any], patch: bool) -> list[tuple[str, str]]:
    """What is wrong with inputs, as (property, reason)."""
    found = []
    metadata = inputs.get("metadata")
    known = metadata if isinstance(metadata, Mapping) else {}
    if "generateName" in known:
        found.append(("metadata.generateName", "is not covered; leave the name out and one is made up"))
    if patch and metadata is not UNKNOWN and not known.get("name"):
        found.append(("metadata.name", "a patch needs the name of the object it changes"))
    if str(inputs["kind"]).endswith("List") and "items" in inputs:
        found.append(("kind", "lists are not covered; declare each object"))
    seconds = annotation(inputs, TIMEOUT) if not has_unknown(known.get("annotations")) else ""
    if seconds and not seconds.isdigit():
        found.append((f'metadata.annotations["{TIMEOUT}"]', f'"{seconds}" is no number of seconds'))
    waits = annotation(inputs, WAIT_FOR) if not has_unknown(known.get("annotations")) else ""
    if waits and not waits.startswith("condition="):
        found.append((f'metadata.annotations["{WAIT_FOR}"]', f'"{waits}" is not covered; write condition=TYPE'))
    return found


def autonamed(values: Mapping[str, Any]) -> bool:
    """Whether the object's name was made up."""
    return annotation(values, AUTONAMED) == "true"


def _named(metadata: dict[str, Any], name: str, old: Mapping[str, Any], seed: bytes, patch: bool) -> dict[str, Any]:
    if patch or metadata.get("name") or "generateName" in metadata:
        return metadata
    annotations = metadata.get("annotations") or {}
    if annotations is UNKNOWN:
        annotations = {}
    former = old.get("name") if autonamed({"metadata": old}) else None
    made = hashlib.sha256(seed or os.urandom(16)).hexdigest()[:8]
    return {**metadata, "name": former or f"{name}-{made}", "annotations": {**annotations, AUTONAMED: "true"}}


def _encoded(value: Any) -> Any:
    return value if value is UNKNOWN else base64.b64encode(str(value).encode()).decode()


def without_none(value: Any) -> Any:
    """A value without keys that hold nothing: they are not sent."""
    if isinstance(value, Mapping):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_none(item) for item in value]
    return value


def stored(live: Mapping[str, Any]) -> dict[str, Any]:
    """An object as the state keeps it: without the bookkeeping of field owners, which changes with every touch."""
    metadata = {key: value for key, value in (live.get("metadata") or {}).items() if key != "managedFields"}
    return {**live, "metadata": metadata}


def imported(live: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs that would make an object: it without what only the server writes."""
    metadata = {key: value for key, value in (live.get("metadata") or {}).items() if key not in SERVER_METADATA}
    return {**{key: value for key, value in live.items() if key not in SERVER_ONLY}, "metadata": metadata}

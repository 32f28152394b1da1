"""Keys that can't change once a cluster stands: refused, with the way to do it all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenfield.model.problem import Problem, SpecPath
from greenfield.spec.schema import KINDS, engine_schema, follow, name_of, schemas
from greenfield.spec.sources import Sources

RULE = "immutable"


def changed(before: Sources, after: Sources) -> list[Problem]:
    """Fixed keys whose value differs between two versions of a spec, placed in the later one.

    Documents, pools, engines and the like that only one version has are no such change: adding is free, and removing
    is guarded where it happens.
    """
    found: list[Problem] = []
    for key, document in after.documents.items():
        earlier = before.documents.get(key)
        if earlier is not None and key[0] in KINDS:
            found.extend(_walk(schemas()[name_of(key[0])], earlier.data, document.data, key))
    return found


def _walk(raw: Mapping[str, Any], before: Any, after: Any, path: SpecPath) -> Iterator[Problem]:
    schema = follow(raw)
    if schema.get("x-immutable") and before != after:
        message = f"can't change from {before} to {after} once it stands"
        yield Problem(path, message, f"set it back to {before}; {schema['x-change']}", RULE)
        return
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return
    own = {**schema.get("properties", {})}
    if "unevaluatedProperties" in schema:
        own |= engine_schema(str(after.get("kind"))).get("properties", {})
    entries = schema.get("additionalProperties")
    for key in before.keys() & after.keys():
        inner = own.get(key, entries if isinstance(entries, dict) else None)
        if inner is not None:
            yield from _walk(inner, before[key], after[key], (*path, key))

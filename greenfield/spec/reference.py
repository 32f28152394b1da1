"""The reference of the spec for people, made from the schemas so that it can't differ from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from greenfield.model.quantity import DIMENSIONS
from greenfield.spec.explain import hint
from greenfield.spec.schema import KINDS, engine_schema, follow, name_of, schemas

_HEADER = "| key | value | needed | default | meaning |\n| --- | --- | --- | --- | --- |\n"
_INTRODUCTION = """# The spec

A spec is YAML: one or more documents, in one or more files. Each has `apiVersion: greenfield/v1`, a `kind`, a
`metadata.name` (lower-case letters, digits, hyphens) and a `spec`, which the tables below describe. `greenfield
validate` checks it; editors check and complete it with the line `# yaml-language-server: $schema=...` on top.

Keys marked **fixed** can't be changed once the cluster stands (`greenfield validate --deployed` refuses it); what to do
instead stands beside the mark. This page is made from `schemas/` by `greenfield schema --write`.
"""


def kinds() -> tuple[str, ...]:
    """What ``page`` can describe: the kinds of documents and the engine kinds."""
    return (*KINDS, *engine_kinds())


def engine_kinds() -> list[str]:
    """Engine kinds that have a schema."""
    return [name.removeprefix("engines/").split(".")[0] for name in schemas() if name.startswith("engines/")]


def page(kind: str | None = None) -> str:
    """The reference in Markdown: of everything, or of one kind (``Cluster``) or engine kind (``etcd``).

    Raises:
        KeyError: there is no such kind; the message names the nearest.
    """
    if kind is None:
        sections = [_section(name) for name in kinds()]
        return "\n".join([_INTRODUCTION, _quantities(), *sections]).rstrip() + "\n"
    by_lower = {name.lower(): name for name in kinds()}
    if kind.lower() not in by_lower:
        raise KeyError(f'there is no kind "{kind}"; {hint(kind, kinds())}')
    return _section(by_lower[kind.lower()]).rstrip() + "\n"


def _quantities() -> str:
    rows = "".join(
        f"| {dimension.name} | `{dimension.example}` | {', '.join(f'`{unit}`' for unit in dimension.units if unit)} |\n"
        for dimension in DIMENSIONS.values()
    )
    return f"## Quantities\n\n| quantity | example | units |\n| --- | --- | --- |\n{rows}"


def _section(kind: str) -> str:
    if kind in KINDS:
        schema = schemas()[name_of(kind)]
        body = follow(schema["properties"]["spec"])
        return f"## {kind}\n\n{schema['description']}\n\n" + "\n".join(_tables(body, "spec"))
    schema = engine_schema(kind)
    return f"## Engine {kind}\n\n{schema['description']}\n\n" + "\n".join(_tables(schema, "spec.engines.NAME"))


def _tables(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    """The table of an object, then those of the objects in it."""
    needed = schema.get("required", [])
    rows, deeper = [], []
    for key, raw in schema.get("properties", {}).items():
        own = follow(raw)
        rows.append(_row(key, own, key in needed))
        place, inner = _inside(own, f"{path}.{key}")
        if inner.get("properties"):
            deeper.append((place, inner))
    yield f"### `{path}`\n\n{_HEADER}{''.join(rows)}"
    for place, inner in deeper:
        yield from _tables(inner, place)


def _inside(schema: Mapping[str, Any], path: str) -> tuple[str, Mapping[str, Any]]:
    """Where the objects of a value are described: the value itself, a map's entries or a list's items."""
    entry = schema.get("additionalProperties")
    if isinstance(entry, dict):
        return f"{path}.NAME", follow(entry)
    if "items" in schema:
        return f"{path}[]", follow(schema["items"])
    return path, schema


def _row(key: str, schema: Mapping[str, Any], needed: bool) -> str:
    default = f"`{_yaml(schema['default'])}`" if schema.get("default") not in (None, [], {}, "") else ""
    fixed = f" **fixed**: {schema['x-change']}." if schema.get("x-immutable") else ""
    examples = schema.get("examples", [])
    example = f" E.g. `{_yaml(examples[0])}`." if examples and not default and "enum" not in schema else ""
    meaning = f"{schema['description']}{example}{fixed}".replace("|", "\\|")
    return f"| `{key}` | {_value(schema)} | {'yes' if needed else ''} | {default} | {meaning} |\n"


def _yaml(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else json.dumps(value)


def _value(schema: Mapping[str, Any]) -> str:
    entry = schema.get("additionalProperties")
    if "x-dimension" in schema:
        said = str(schema["x-dimension"])
    elif "enum" in schema:
        said = " or ".join(f"`{value}`" for value in schema["enum"])
    elif "items" in schema:
        said = f"list of {_value(follow(schema['items']))}"
    elif isinstance(entry, dict):
        said = f"map of {_value(follow(entry))}"
    elif "anyOf" in schema:
        said = "number or quantity"
    elif schema.get("type") == "integer":
        said = f"integer, {schema['minimum']}" + (f" to {schema['maximum']}" if "maximum" in schema else " or more")
    else:
        words = {"string": "text", "object": "object", "number": "number"}
        said = words[schema["type"]] if "type" in schema else "anything"
    return said

"""The JSON Schemas that ship with Greenfield, and the verdict on a document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from greenfield import content

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

KINDS = ("Site", "Cluster", "Standard", "Budget", "Platform")
API_VERSION = "greenfield/v1"
BASE = "https://greenfield.invalid/schemas/"
COMMON = "common.schema.json"


def name_of(kind: str) -> str:
    """File name of a kind's schema."""
    return f"{kind.lower()}.schema.json"


@cache
def schemas() -> Mapping[str, Mapping[str, Any]]:
    """Every schema, by its path below the folder of schemas (``site.schema.json``, ``engines/etcd.schema.json``)."""
    folder = content.schemas()
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.schema.json"))
    }


def engine_schema(kind: str) -> Mapping[str, Any]:
    """Schema of the options of an engine kind; empty for an unknown kind."""
    return schemas().get(f"engines/{kind}.schema.json", {})


def follow(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A subschema with what its ``$ref`` says beneath its own keywords (so its own description wins)."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    where, _, pointer = str(reference).partition("#")
    target = (
        file_of(schema) if not where else next(name for name in schemas() if where.endswith(name.rsplit("/", 1)[-1]))
    )
    found: Any = schemas()[target]
    for step in pointer.strip("/").split("/") if pointer else ():
        found = found[step]
    own = {key: value for key, value in schema.items() if key != "$ref"}
    return {**follow(found), **own}


def file_of(schema: Mapping[str, Any]) -> str:
    """The schema file that a subschema stands in (the very object, as validators hand it back with an error)."""
    return _owners()[id(schema)]


@cache
def _owners() -> Mapping[int, str]:
    owners: dict[int, str] = {}
    for name, schema in schemas().items():
        stack: list[Any] = [schema]
        while stack:
            node = stack.pop()
            if isinstance(node, dict | list):
                owners[id(node)] = name
                stack.extend(node.values() if isinstance(node, dict) else node)
    return owners


@cache
def _judge(kind: str) -> Draft202012Validator:
    # Imported here because a valid spec never needs it, and it takes a quarter of a second.
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    resources = [
        (BASE + name, Resource.from_contents(schema, default_specification=DRAFT202012))
        for name, schema in schemas().items()
    ]
    registry: Registry[Any] = Registry().with_resources(resources)
    return Draft202012Validator({"$ref": BASE + name_of(kind)}, registry=registry)


@cache
def _screen(kind: str) -> jsonschema_rs.Draft202012Validator:
    registry = jsonschema_rs.Registry([(BASE + name, dict(schema)) for name, schema in schemas().items()])
    return jsonschema_rs.Draft202012Validator({"$ref": BASE + name_of(kind)}, registry=registry)


def screened(kind: str, data: Any) -> bool:
    """Whether the fast validator finds the document valid. A test holds its verdict equal to ``judged``'s."""
    return bool(_screen(kind).is_valid(data))


def judged(kind: str, data: Any) -> Iterator[ValidationError]:
    """What jsonschema finds wrong; nothing for a valid document."""
    yield from _judge(kind).iter_errors(data)


def errors(kind: str, data: Any) -> Iterator[ValidationError]:
    """What is wrong with a document of a kind. jsonschema judges and explains only what the fast one refuses."""
    if not screened(kind, data):
        yield from judged(kind, data)

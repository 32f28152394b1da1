"""From what a JSON Schema validator finds to words an SRE can act on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from greenfield.model.problem import Problem, SpecPath
from greenfield.model.quantity import DIMENSIONS, QuantityError, parse
from greenfield.spec.document import Document
from greenfield.spec.schema import engine_schema, errors, follow
from greenfield.spec.sources import find

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
    "null": "nothing",
}


MOST_NAMES = 12
"""Known names that a hint lists; of more only the first are shown."""


def nearest(word: str, known: Sequence[str]) -> str:
    """The known word that ``word`` most likely stands for, or empty."""
    return _nearest(word, tuple(known))


@lru_cache(maxsize=512)
def _nearest(word: str, known: tuple[str, ...]) -> str:
    """Remembered, since thousands of hosts may name the same rack that is not there."""
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[close[0]] if close else ""


def hint(word: str, known: Sequence[str]) -> str:
    """What to do about an unknown name: the nearest known one, or all of them."""
    near = nearest(word, known)
    if near:
        return f'did you mean "{near}"?'
    more = f" and {len(known) - MOST_NAMES:,} more" if len(known) > MOST_NAMES else ""
    return f"known: {', '.join(known[:MOST_NAMES])}{more}" if known else "there is none yet; add it"


def explain(document: Document) -> list[Problem]:
    """Everything the schema of the document's kind finds wrong with it, each once."""
    kind, name = document.key
    found: dict[tuple[SpecPath, str], Problem] = {}
    for error in errors(document.data["kind"], document.data):
        path: SpecPath = (kind, name, *error.absolute_path)
        teller = _key if "propertyNames" in error.absolute_schema_path else _TELLERS.get(str(error.validator), _plain)
        for problem in teller(_Finding(document, error, path)):
            # One place that two subschemas refuse for the same reason is one problem.
            found.setdefault((problem.path, problem.message), problem)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Finding:
    document: Document
    error: ValidationError
    path: SpecPath

    @property
    def instance(self) -> Any:
        return self.error.instance

    @property
    def schema(self) -> Mapping[str, Any]:
        return self.error.schema if isinstance(self.error.schema, dict) else {}

    @property
    def node(self) -> yaml.Node | None:
        return find(self.document.node, list(self.path[2:]))


def _sample(schema: Mapping[str, Any]) -> Any:
    """A value that fits a schema, from its examples or those of the keys it needs; ``None`` where it shows none."""
    said = follow(schema)
    for values in (said.get("examples"), said.get("enum"), [said[k] for k in ("const", "default") if k in said]):
        if values:
            return values[0]
    if said.get("type") in ("integer", "number") and "minimum" in said:
        return said["minimum"]
    needed = {key: _sample(said["properties"][key]) for key in said.get("required", ()) if "properties" in said}
    return needed if needed and None not in needed.values() else None


def _example(schema: Mapping[str, Any]) -> str:
    """How a value may look, as YAML writes it in a flow; empty where the schema shows none."""
    sample = _sample(schema)
    if sample is None:
        return ""
    written: str = yaml.safe_dump(sample, default_flow_style=True, width=200, sort_keys=False).strip()
    return written.removesuffix("\n...").strip()


def _unknown(found: _Finding) -> Iterator[Problem]:
    instance: dict[str, Any] = found.instance
    known = list(found.schema.get("properties", {}))
    if found.error.validator == "unevaluatedProperties":
        options = engine_schema(str(instance.get("kind"))).get("properties")
        if options is None:
            # The options depend on a kind that is not known: that is the problem to report.
            return
        known += list(options)
    for key in instance:
        if key not in known:
            others = [name for name in known if name not in instance]
            fix = hint(str(key), others if nearest(str(key), others) else known)
            yield Problem((*found.path, key), f'unknown key "{key}"', fix, "unknown-key")


def _required(found: _Finding) -> Iterator[Problem]:
    for key in found.schema["required"]:
        if key in found.instance:
            continue
        schema = follow(found.schema.get("properties", {}).get(key, {}))
        example = _example(schema)
        about = str(schema.get("description", "")).rstrip(".")
        fix = f"add {key}: {example}" if example else f"add {key}"
        yield Problem(found.path, f'"{key}" is missing', f"{fix} ({about})" if about else fix, "missing-key")


def _said(value: Any) -> str:
    if isinstance(value, dict | list):
        return _TYPES["object" if isinstance(value, dict) else "array"]
    if isinstance(value, str):
        return f'"{value}"'
    return "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _type(found: _Finding) -> Iterator[Problem]:
    value, node = found.instance, found.node
    wanted = found.schema["type"] if isinstance(found.schema["type"], list) else [found.schema["type"]]
    raw = node.value if isinstance(node, yaml.ScalarNode) else ""
    dimension = DIMENSIONS.get(str(found.schema.get("x-dimension")))
    if dimension and raw and value is not None:
        yield from _quantity(found, raw)
        return
    if "string" in wanted and raw and value is not None:
        what = "true or false" if isinstance(value, bool) else "a number"
        message = f"{raw} without quotes is read as {what} by YAML; expected text"
        yield Problem(found.path, message, f'quote it: "{raw}"', "yaml-trap")
        return
    expected = " or ".join(_TYPES[name] for name in wanted)
    unquoted = value if isinstance(value, str) and "string" not in wanted else ""
    example = _example(found.schema)
    about = str(found.schema.get("description", "")).rstrip(".")
    fix = f"e.g. {example}" if example else f"write {expected} ({about})" if about else f"write {expected}"
    if unquoted.isdigit() and {"integer", "number"} & set(wanted):
        fix = f"remove the quotes: {unquoted}"
    yield Problem(found.path, f"expected {expected}, found {_said(value)}", fix, "type")


def _quantity(found: _Finding, raw: str) -> Iterator[Problem]:
    try:
        parse(raw, DIMENSIONS[str(found.schema["x-dimension"])])
    except QuantityError as error:
        yield Problem(found.path, error.message, error.fix, "quantity")
        return
    yield Problem(found.path, f"{raw} without quotes is not read as text by YAML", f'quote it: "{raw}"', "yaml-trap")


def _pattern(found: _Finding) -> Iterator[Problem]:
    if "x-dimension" in found.schema:
        yield from _quantity(found, str(found.instance))
        return
    about = str(found.schema.get("description", "")).rstrip(".")
    example = _example(found.schema)
    message = f"{_said(found.instance)} does not have the right form"
    fix = f"{about}; e.g. {example}" if example and about else about or f"match {found.error.validator_value}"
    yield Problem(found.path, message, fix, "form")


def _choice(found: _Finding) -> Iterator[Problem]:
    value, node = found.instance, found.node
    known = [str(word) for word in found.schema.get("enum", [found.schema.get("const")])]
    raw = node.value if isinstance(node, yaml.ScalarNode) else ""
    if not isinstance(value, str) and raw in known:
        message = f"{raw} without quotes is read as {_said(value)} by YAML; expected text"
        yield Problem(found.path, message, f'quote it: "{raw}"', "yaml-trap")
        return
    rule = "unknown-engine" if found.path[2:4] == ("spec", "engines") and found.path[-1] == "kind" else "choice"
    what = "unknown engine kind" if rule == "unknown-engine" else "unknown value"
    near = nearest(str(value), known)
    fix = (f'did you mean "{near}"? ' if near else "") + f"known: {', '.join(known)}"
    yield Problem(found.path, f"{what} {_said(value)}", fix, rule)


def _bound(found: _Finding) -> Iterator[Problem]:
    least = found.error.validator == "minimum"
    limit = found.error.validator_value
    message = f"{_said(found.instance)} is too {'small' if least else 'large'}"
    yield Problem(found.path, message, f"{'at least' if least else 'at most'} {limit}", "range")


def _empty(found: _Finding) -> Iterator[Problem]:
    about = str(found.schema.get("description", "")).rstrip(".")
    yield Problem(found.path, "is empty; at least one is needed", about, "empty")


def _twice(found: _Finding) -> Iterator[Problem]:
    items = found.instance
    again = [index for index, item in enumerate(items) if item in items[:index]]
    for index in again:
        yield Problem((*found.path, index), f"{_said(items[index])} is here twice", "remove one", "duplicate-item")


def _either(found: _Finding) -> Iterator[Problem]:
    """Keys of which exactly one must be there (``oneOf`` of ``required``)."""
    if not isinstance(found.instance, dict):
        # Its wrong type is a problem of its own.
        return
    keys = [key for branch in found.schema["oneOf"] for key in branch["required"]]
    there = [key for key in keys if key in found.instance]
    said = " and ".join(f'"{key}"' for key in there or keys)
    if there:
        yield Problem((*found.path, there[-1]), f"{said} are both here", "keep one", "choice")
        return
    example = _example(found.schema["properties"][keys[-1]])
    fix = f"add {keys[-1]}: {example}"
    yield Problem(found.path, f"{said} are both missing; one is needed", fix, "missing-key")


def _plain(found: _Finding) -> Iterator[Problem]:
    said = str(found.schema.get("x-message", "")) or found.error.message
    example = _example(found.schema)
    yield Problem(found.path, said, f"e.g. {example}" if example else "", "form")


def _key(found: _Finding) -> Iterator[Problem]:
    key = str(found.instance)
    fix = "lower-case letters, digits and hyphens" if found.path[-1] != "labels" else "letters, digits and . _ / -"
    yield Problem((*found.path, key), f'"{key}" can\'t be a name here', f"use {fix}", "name")


_TELLERS: Mapping[str, Callable[[_Finding], Iterator[Problem]]] = {
    "additionalProperties": _unknown,
    "unevaluatedProperties": _unknown,
    "required": _required,
    "type": _type,
    "pattern": _pattern,
    "enum": _choice,
    "const": _choice,
    "minimum": _bound,
    "maximum": _bound,
    "oneOf": _either,
    "minItems": _empty,
    "minProperties": _empty,
    "uniqueItems": _twice,
}

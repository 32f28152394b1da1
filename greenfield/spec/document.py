"""YAML to plain data: node trees are kept, so that any place in a spec can be found again in its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from greenfield.model.problem import Problem, SpecPath

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML built without libyaml: the same language, slower.
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
LARGEST = 2_000_000
"""Values a document may have once its aliases are followed; more is an alias bomb, not a spec."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document of a file.

    Attributes:
        key: ``(kind, name)`` under which paths name it; made unique where two documents clash.
        file: where it was read from.
        node: its root node, with positions.
        data: plain data, as JSON knows it (a date stays text).
    """

    key: tuple[str, str]
    file: Path
    node: yaml.Node
    data: Any

    @property
    def spec(self) -> dict[str, Any]:
        """The mapping under ``spec``; empty where there is none."""
        spec = self.data.get("spec") if isinstance(self.data, dict) else None
        return spec if isinstance(spec, dict) else {}


def file_path(file: Path, line: int, column: int) -> SpecPath:
    """The path of a problem that no document can hold, such as a syntax error; line and column count from 1."""
    return ("File", str(file), line, column)


def read(file: Path, problems: list[Problem]) -> Iterator[tuple[yaml.Node, Any]]:
    """Root node and data of each document in a file; what is wrong with the YAML goes into ``problems``."""
    try:
        text = file.read_bytes()
        nodes = [node for node in yaml.compose_all(text, Loader=_Loader) if node is not None]
    except OSError as error:
        problems.append(
            Problem(file_path(file, 1, 1), f"can't be read: {error.strerror}", "check path and rights", "file")
        )
        return
    except yaml.YAMLError as error:
        problems.append(_syntax(file, error))
        return
    for node in nodes:
        reader = _Reader(file, problems)
        data = reader.value(node)
        if not reader.refused:
            yield node, data


def _syntax(file: Path, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    what = " ".join(str(part) for part in (getattr(error, "context", None), getattr(error, "problem", None)) if part)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    fix = "check indentation (spaces, no tabs), colons and quotes just before this place"
    return Problem(
        file_path(file, line, column), f"is not YAML: {' '.join((what or str(error)).split())}", fix, "yaml-syntax"
    )


@dataclass
class _Reader:
    """Turns nodes into data; a node that several aliases share becomes one value."""

    file: Path
    problems: list[Problem]
    refused: bool = False
    _seen: dict[int, Any] = field(default_factory=dict)
    _size: dict[int, int] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        mark = id(node)
        if mark in self._open:
            return self._refuse(node, "an alias contains itself", "write the value out")
        if mark not in self._seen:
            self._open.add(mark)
            self._seen[mark] = self._mapping(node) if isinstance(node, yaml.MappingNode) else self._sequence(node)
            self._open.discard(mark)
        return self._seen[mark]

    def _grow(self, node: yaml.Node, children: list[yaml.Node]) -> None:
        self._size[id(node)] = 1 + sum(self._size.get(id(child), 1) for child in children)
        if self._size[id(node)] > LARGEST and not self.refused:
            self._refuse(node, "aliases make this document larger than any spec", "write fewer aliases")

    def _sequence(self, node: yaml.Node) -> list[Any]:
        items = [self.value(item) for item in node.value]
        self._grow(node, node.value)
        return items

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
                for source in reversed(sources):
                    content = self.value(source)
                    merged.update(content if isinstance(content, dict) else {})
                continue
            name = self._key(key)
            if name in own:
                self._note(key, f'the key "{name}" is here twice', "keep one of them", "duplicate-key")
            own[name] = self.value(value)
        self._grow(node, [value for _, value in node.value])
        return {**merged, **own} if merged else own

    def _key(self, key: yaml.Node) -> str:
        if not isinstance(key, yaml.ScalarNode):
            self._refuse(key, "a key must be a word", "quote it if it is meant as text")
            return ""
        if key.tag not in (f"{_TAG}str", f"{_TAG}timestamp"):
            what = key.tag.removeprefix(_TAG)
            self._note(key, f"the key {key.value} is read as {what} by YAML", f'quote it: "{key.value}"', "yaml-trap")
        return str(key.value)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        kind = node.tag.removeprefix(_TAG)
        text = node.value
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("true", "yes", "on")
        if kind == "int":
            return _integer(text)
        if kind == "float":
            return _float(text)
        if kind not in ("str", "timestamp"):
            self._note(node, f"the tag {node.tag} is not for specs", "remove it", "yaml-tag")
        return text

    def _note(self, node: yaml.Node, message: str, fix: str, rule: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(file_path(self.file, mark.line + 1, mark.column + 1), message, fix, rule))

    def _refuse(self, node: yaml.Node, message: str, fix: str) -> None:
        self.refused = True
        self._note(node, message, fix, "yaml-alias")


def _integer(text: str) -> int | str:
    """Decimal numbers only: 0x10, 010 and 1:30 stay text, for the schema to refuse with a hint to quote."""
    plain = text.replace("_", "")
    digits = plain.lstrip("+-")
    return int(plain) if digits.isdigit() and (digits == "0" or not digits.startswith("0")) else text


def _float(text: str) -> float | str:
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        return text
    return number if abs(number) < float("inf") else text

"""Reads what is whole out of a document that may be partly wrong, so that one error doesn't hide the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from greenfield.model.problem import Problem, SpecPath
from greenfield.model.quantity import PERCENT, Dimension, QuantityError, parse
from greenfield.spec.document import Document
from greenfield.spec.explain import hint


class Draft:
    """A document on its way to the model.

    Attributes:
        document: what is read.
        problems: everything found so far, over all documents.
        whole: whether every entity asked for could be read.
    """

    def __init__(self, document: Document, problems: list[Problem], refused: Iterable[Problem]) -> None:
        self.document = document
        self.problems = problems
        self.whole = True
        self._broken = {
            problem.path[:length]
            for problem in refused
            if problem.rule != "unknown-key"
            for length in range(2, len(problem.path) + 1)
        }

    @property
    def name(self) -> str:
        """The document's ``metadata.name`` (made unique where two clash)."""
        return self.document.key[1]

    def path(self, *keys: str | int) -> SpecPath:
        """Path of a place below ``spec``."""
        return (*self.document.key, "spec", *keys)

    def usable(self, *keys: str | int) -> bool:
        """Whether nothing at or below a place is refused by the schema."""
        return self.path(*keys) not in self._broken

    def section(self, key: str) -> Mapping[str, Any]:
        """A mapping right below ``spec``; empty where it is absent or refused."""
        value = self.document.spec.get(key)
        return value if isinstance(value, dict) and self.usable(key) else {}

    def entities(self, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Name and content of each whole entry of a mapping below ``spec``; others clear ``whole``."""
        section = self.document.spec.get(key)
        for name, content in section.items() if isinstance(section, dict) else ():
            if isinstance(content, dict) and self.usable(key, name):
                yield name, content
            else:
                self.whole = False

    def names(self, key: str) -> list[str]:
        """Names in a mapping below ``spec``, of whole entries and others."""
        section = self.document.spec.get(key)
        return list(section) if isinstance(section, dict) else []

    def text(self, key: str) -> str:
        """A word right below ``spec``; empty where it is absent or refused."""
        value = self.document.spec.get(key)
        return value if isinstance(value, str) and self.usable(key) else ""

    def add(self, keys: SpecPath, message: str, fix: str, rule: str, **more: Any) -> None:
        """Notes a problem at a place below ``spec``."""
        self.problems.append(Problem(self.path(*keys), message, fix, rule, **more))

    def quantity(self, raw: str | int, dimension: Dimension, keys: SpecPath, *, positive: bool = True) -> float:
        """A quantity in base units; a zero where it makes no sense is noted as a problem."""
        try:
            value = parse(raw, dimension)
        except QuantityError as error:
            self.add(keys, error.message, error.fix, "quantity")
            return 0
        if positive and value == 0:
            self.add(keys, f'"{raw}" is zero', f"write more than zero, e.g. {dimension.example}", "range")
        if dimension is PERCENT and value > 1:
            self.add(keys, f'"{raw}" is more than 100%', f"write at most 100%, e.g. {dimension.example}", "range")
        return value

    def network(self, raw: str, keys: SpecPath) -> IPv4Network | None:
        """A network; ``None`` where the text is none, which is noted."""
        try:
            return IPv4Network(raw)
        except ValueError:
            pass
        try:
            meant = IPv4Network(raw, strict=False)
        except ValueError as error:
            self.add(keys, f'"{raw}" is not a network: {error}', "write ADDRESS/LENGTH, e.g. 10.77.0.0/16", "network")
            return None
        self.add(keys, f'"{raw}" is an address inside a network', f"write the network: {meant}", "network")
        return meant

    def file(self, raw: str) -> str:
        """A path of the spec, absolute: it counts from the folder of the spec's file."""
        return str((self.document.file.parent / Path(raw).expanduser()).absolute()) if raw else ""

    def known(self, word: str, names: Iterable[str], what: str, keys: SpecPath, rule: str) -> bool:
        """Whether a name refers to something; if not that is noted, with the nearest one."""
        choices = list(names)
        if word in choices:
            return True
        self.add(keys, f'{what} "{word}" is not known', hint(word, choices), rule)
        return False


def address(raw: str) -> IPv4Address | None:
    """An IPv4 address, or ``None`` where the text is none."""
    try:
        return IPv4Address(raw)
    except AddressValueError:
        return None

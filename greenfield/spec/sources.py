"""From a path in a spec to the file, line and column where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from greenfield.model.problem import SpecPath
from greenfield.spec.document import Document
from greenfield.spec.manifest import ManifestObject
from greenfield.spec.table import Table


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; line and column count from 1."""

    file: Path
    line: int
    column: int


@dataclass(slots=True)
class Sources:
    """Every document and host table that was read, and manifests by platform and workload.

    ``hosts`` and ``engines`` count what is in them, right or wrong.
    """

    folder: Path = field(default_factory=Path)
    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    manifests: dict[str, Mapping[str, Sequence[ManifestObject]]] = field(default_factory=dict)

    @property
    def hosts(self) -> int:
        """How many hosts are listed."""
        listed = [found.spec.get("hosts") for (kind, _), found in self.documents.items() if kind == "Site"]
        rows = sum(len(table.rows) for table in self.tables.values())
        return rows + sum(len(hosts) for hosts in listed if isinstance(hosts, list))

    @property
    def engines(self) -> int:
        """How many engines are listed."""
        listed = [found.spec.get("engines") for (kind, _), found in self.documents.items() if kind == "Cluster"]
        return sum(len(engines) for engines in listed if isinstance(engines, dict))

    def locate(self, path: SpecPath, *, key: bool = False) -> Location:
        """Where a path stands: the value where it is a word, else its key; the nearest ancestor where it is absent.

        Args:
            path: as in ``Problem``.
            key: point at the key even where the value is a word (for keys that should not be there).
        """
        if path[:1] == ("File",):
            return Location(Path(str(path[1])), int(path[2]), int(path[3]))
        kind, name, *keys = path
        if kind == "Site" and keys[:1] == ["hosts"] and len(keys) > 1:
            table = self.tables.get(str(name))
            if table is not None:
                return Location(table.file, *table.position(keys[1], keys[2] if len(keys) > 2 else None))
            keys = ["spec", *keys]
        document = self.documents.get((str(kind), str(name)))
        if document is None:
            return Location(self.folder, 1, 1)
        mark = _mark(document.node, keys, key)
        return Location(document.file, mark.line + 1, mark.column + 1)

    def raw(self, path: SpecPath) -> yaml.Node | None:
        """The YAML node of a path in a document, or ``None`` where there is none."""
        document = self.documents.get((str(path[0]), str(path[1])))
        return find(document.node, list(path[2:])) if document else None


def find(root: yaml.Node, keys: list[str | int]) -> yaml.Node | None:
    """The node that keys lead to, or ``None`` where one of them is absent."""
    node = root
    for step in keys:
        found = _step(node, step)
        if found is None:
            return None
        node = found[1]
    return node


def _mark(root: yaml.Node, keys: list[str | int], key: bool) -> yaml.Mark:
    at, node = root, root
    for count, step in enumerate(keys, 1):
        found = _step(node, step)
        if found is None:
            # The key itself is absent: its parent is the place.
            return at.start_mark
        name, node = found
        last = count == len(keys)
        at = node if last and not key and isinstance(node, yaml.ScalarNode) and node.value else name
    return at.start_mark


def _step(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Key node and value node one step below; a list's items are found by index or by their ``name`` or ``id``."""
    if isinstance(node, yaml.MappingNode):
        own = [(key, value) for key, value in node.value if key.value == str(step)]
        if own:
            return own[-1][0], own[-1][1]
        merged = [value for key, value in node.value if key.tag.endswith(":merge")]
        return next((found for value in merged for found in [_step(value, step)] if found), None)
    if isinstance(node, yaml.SequenceNode):
        if isinstance(step, int):
            return (node.value[step], node.value[step]) if step < len(node.value) else None
        for item in node.value:
            for word in ("name", "id"):
                found = _step(item, word) if isinstance(item, yaml.MappingNode) else None
                if found and found[1].value == step:
                    return item, item
    return None

"""Hosts, from the list in a site's document or from its CSV."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greenfield.model.problem import Problem, SpecPath
from greenfield.model.site import NO_LABELS, Host
from greenfield.spec import table
from greenfield.spec.draft import Draft, address
from greenfield.spec.schema import COMMON, schemas
from greenfield.spec.sources import Sources
from greenfield.spec.table import LABEL, Table

MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")


@dataclass(frozen=True, slots=True)
class Listed:
    """A host and the path it has in problems (its index, since names may clash)."""

    path: SpecPath
    host: Host


def hosts(draft: Draft, sources: Sources) -> list[Listed]:
    """Every host that could be read, in order; what is wrong with others goes into the draft's problems."""
    spec = draft.document.spec
    listed = spec.get("hosts")
    if isinstance(listed, list):
        return _inline(draft, listed)
    name = draft.text("hostsFrom")
    return _from_csv(draft, Path(draft.file(name)), sources) if name else []


def _inline(draft: Draft, listed: list[Any]) -> list[Listed]:
    found = []
    for index, raw in enumerate(listed):
        if not draft.usable("hosts", index):
            draft.whole = False
            continue
        path: SpecPath = ("Site", draft.name, "hosts", index)
        if address(raw["address"]) is None:
            draft.problems.append(_no_address((*path, "address"), raw["address"]))
            draft.whole = False
            continue
        found.append(Listed(path, _host(raw, raw["unit"], raw.get("labels", NO_LABELS))))
    return found


def _host(raw: Mapping[str, Any], unit: int, labels: Mapping[str, str]) -> Host:
    return Host(
        name=raw["name"],
        rack=raw["rack"],
        unit=unit,
        hardware=raw["hardware"],
        serial=raw["serial"],
        address=raw["address"],
        mac=raw["mac"].lower(),
        asset=raw.get("asset", ""),
        labels=labels,
    )


def _no_address(path: SpecPath, raw: str) -> Problem:
    return Problem(
        path, f'"{raw}" is not an IPv4 address', "write four numbers from 0 to 255, e.g. 10.77.1.11", "address"
    )


def _from_csv(draft: Draft, file: Path, sources: Sources) -> list[Listed]:
    if not file.is_file():
        draft.add(("hostsFrom",), f"there is no file {file.name}", f"put it into {file.parent}", "file")
        draft.whole = False
        return []
    read = table.read(file, draft.problems)
    if read is None:
        draft.whole = False
        return []
    sources.tables[draft.name] = read
    if not read.rows:
        draft.add(("hostsFrom",), f"{file.name} has no hosts", "add a line for each host", "empty")
    found = _rows(draft, read)
    draft.whole = draft.whole and len(found) == len(read.rows)
    return found


@dataclass(frozen=True, slots=True)
class _CellRule:
    """What the cells of a column must pass, what is wrong with one that doesn't, and what to do."""

    column: str
    passes: Callable[[str], object]
    message: str
    fix: str


def _cell_rules() -> tuple[_CellRule, ...]:
    """The same that the schema says of hosts in the document; a test holds the two equal."""
    name = re.compile(schemas()[COMMON]["$defs"]["name"]["pattern"].strip("^$")).fullmatch
    words = "use lower-case letters, digits and hyphens"
    return (
        _CellRule("name", name, "can't be a host name", words),
        _CellRule("rack", name, "can't be a rack's name", words),
        _CellRule("hardware", name, "can't be a hardware class's name", words),
        _CellRule("unit", _is_unit, "is no rack unit", "write 1 or more"),
        _CellRule("serial", bool, "is no serial number", "write the machine's serial number"),
        _CellRule("mac", MAC.fullmatch, "is no MAC address", "write six pairs of hex digits, e.g. 02:77:00:00:01:0b"),
    )


def _is_unit(cell: str) -> bool:
    return cell.isascii() and cell.isdigit() and int(cell) > 0


def _bad_cell(path: SpecPath, rule: _CellRule, cell: str) -> Problem:
    message, name = (f'"{cell}" {rule.message}', "form") if cell else ("is empty", "empty")
    return Problem((*path, rule.column), message, rule.fix, name)


def _rows(draft: Draft, read: Table) -> list[Listed]:
    labels = [(index, name.removeprefix(LABEL)) for index, name in enumerate(read.columns) if name.startswith(LABEL)]
    rules = [(read.columns.index(rule.column), rule.passes, rule) for rule in _cell_rules()]
    at = read.columns.index("address")
    found = []
    for index, cells in enumerate(read.rows):
        row = [cell.strip() for cell in cells]
        path: SpecPath = ("Site", draft.name, "hosts", index)
        wrong = [_bad_cell(path, rule, row[place]) for place, passes, rule in rules if not passes(row[place])]
        if address(row[at]) is None:
            wrong.append(_no_address((*path, "address"), row[at]))
        if wrong:
            draft.problems.extend(wrong)
            continue
        named = dict(zip(read.columns, row, strict=True))
        own = {name: row[place] for place, name in labels if row[place]}
        found.append(Listed(path, _host(named, int(named["unit"]), own or NO_LABELS)))
    return found

"""Problems for people (text), for programs (JSON) and for code review (SARIF 2.1.0)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from greenfield.model.problem import Problem
from greenfield.spec.loader import Spec
from greenfield.spec.rules import describe
from greenfield.spec.sources import Location, Sources

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_AT_KEY = ("unknown-key",)
"""Rules about a key that should not be there: the key is the place, not its value."""


@dataclass(frozen=True, slots=True)
class Located:
    """A problem with its place: ``file`` is relative to the base folder if below it; ``where`` is for people."""

    problem: Problem
    file: str
    line: int
    column: int
    where: str


def locate(problems: Iterable[Problem], sources: Sources, base: Path) -> list[Located]:
    """Problems in the order of files, lines and columns; each place and message once."""
    found: dict[tuple[str, int, int, str, str], Located] = {}
    for problem in problems:
        place = sources.locate(problem.path, key=problem.rule in _AT_KEY)
        file = _relative(place.file, base)
        located = Located(problem, file, place.line, place.column, _where(problem, place, sources))
        found.setdefault((file, place.line, place.column, problem.severity, problem.message), located)
    return [found[key] for key in sorted(found)]


def _relative(file: Path, base: Path) -> str:
    full, root = file.absolute(), base.absolute()
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else file.as_posix()


def _where(problem: Problem, place: Location, sources: Sources) -> str:
    """The path for people: ``spec.engines.kv.members``, or ``row r2-h1, address`` in a host table."""
    path = problem.path
    if path[:1] == ("File",):
        return place.file.name
    if path[2:3] == ("hosts",) and len(path) > 3:
        table = sources.tables.get(str(path[1]))
        if table is not None:
            name = table.name_of(path[3]) if isinstance(path[3], int) else str(path[3])
            return ", ".join([f"row {name}", *map(str, path[4:])])
        return ".".join(map(str, ("spec", *path[2:])))
    return ".".join(map(str, path[2:])) or f"{path[0]} {path[1]}"


def summary(found: Iterable[Located], sources: Sources, seconds: float) -> str:
    """The last line of a validation: ``3 errors, 0 warnings in 9 hosts, 2 engines (0.1 s)``."""
    severities = [located.problem.severity for located in found]
    counts = ((severities.count("error"), "error"), (severities.count("warning"), "warning"))
    sizes = ((sources.hosts, "host"), (sources.engines, "engine"))
    return f"{_counted(counts)} in {_counted(sizes)} ({seconds:.1f} s)"


def _counted(counts: Iterable[tuple[int, str]]) -> str:
    return ", ".join(f"{count:,} {word}{'' if count == 1 else 's'}" for count, word in counts)


def text(found: Iterable[Located]) -> str:
    """One paragraph a problem: place and path, what is wrong, what to do. Empty when there is none."""
    lines = []
    for located in found:
        place = f"{located.file}:{located.line}:{located.column}"
        lines.append(f"{place} {located.problem.severity:<7}  {located.where}")
        lines.append(f"    {located.problem.message}")
        if located.problem.fix:
            lines.append(f"    fix: {located.problem.fix}")
    return "".join(f"{line}\n" for line in lines)


def as_json(found: Iterable[Located], spec: Spec | None) -> str:
    """``{valid, digest, problems: [{file, line, column, path, where, severity, rule, message, fix}]}``, indented."""
    problems = [
        {
            "file": located.file,
            "line": located.line,
            "column": located.column,
            "path": list(located.problem.path),
            "where": located.where,
            "severity": located.problem.severity,
            "rule": located.problem.rule,
            "message": located.problem.message,
            "fix": located.problem.fix,
        }
        for located in found
    ]
    valid = not any(problem["severity"] == "error" for problem in problems)
    digest = spec.digest if spec and valid else None
    return json.dumps({"valid": valid, "digest": digest, "problems": problems}, indent=2, ensure_ascii=False) + "\n"


def sarif(found: Iterable[Located]) -> str:
    """A SARIF 2.1.0 log with one run, as code review reads it."""
    listed = list(found)
    rules = sorted({located.problem.rule for located in listed})
    driver = {
        "name": "greenfield",
        "version": version("greenfield"),
        "rules": [{"id": rule, "shortDescription": {"text": describe(rule)}} for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(located, rules) for located in listed],
    }
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _artifact(file: str) -> dict[str, str]:
    if Path(file).is_absolute():
        return {"uri": Path(file).as_uri()}
    return {"uri": quote(file), "uriBaseId": "%SRCROOT%"}


def _result(located: Located, rules: list[str]) -> dict[str, Any]:
    problem = located.problem
    words = f"{located.where}: {problem.message}" + (f". Fix: {problem.fix}" if problem.fix else "")
    # Line numbers move; the rule, the path and the words stay, so review tools can tell old from new.
    identity = hashlib.sha256(f"{problem.rule}\0{problem.path}\0{problem.message}".encode()).hexdigest()
    return {
        "ruleId": problem.rule,
        "ruleIndex": rules.index(problem.rule),
        "level": problem.severity,
        "message": {"text": words},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(located.file),
                    "region": {"startLine": located.line, "startColumn": located.column},
                },
                "logicalLocations": [{"fullyQualifiedName": ".".join(map(str, problem.path))}],
            }
        ],
        "partialFingerprints": {"greenfield/v1": identity},
    }

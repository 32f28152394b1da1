"""Reads manifest files of workloads: objects of Kubernetes with the places where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from greenfield.model.problem import Problem
from greenfield.spec.document import file_path

RULE = "manifest"


@dataclass(frozen=True, slots=True)
class ManifestObject:
    """One object: its content, and the file and line (from 1) it begins at."""

    data: dict[str, Any]
    file: Path
    line: int

    @property
    def label(self) -> str:
        """For people: ``Deployment web``."""
        return f"{self.data['kind']} {self.data['metadata']['name']}"

    def problem(self, message: str, fix: str, rule: str) -> Problem:
        """Something wrong with it, at its place."""
        return Problem(file_path(self.file, self.line, 1), message, fix, rule)


def read(file: Path, problems: list[Problem]) -> list[ManifestObject]:
    """The objects in a file, lists taken apart; what is wrong goes into ``problems``."""
    try:
        loader = yaml.CSafeLoader(file.read_text(encoding="utf-8"))
        found: list[ManifestObject] = []
        while loader.check_node():
            node = loader.get_node()
            data = loader.construct_document(node) if node is not None else None
            if node is not None and data is not None:
                found += objects(data, file, node.start_mark.line + 1, problems)
        return found
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = file_path(file, mark.line + 1, mark.column + 1) if mark else file_path(file, 1, 1)
        said = str(getattr(error, "problem", None) or error)
        problems.append(Problem(place, f"is no YAML: {said}", "correct the manifest", RULE))
        return []


def objects(data: Any, file: Path, line: int, problems: list[Problem]) -> list[ManifestObject]:
    """The objects of one document, which begins at a line of a file; what is wrong goes into ``problems``."""
    if isinstance(data, dict) and str(data.get("kind", "")).endswith("List") and isinstance(data.get("items"), list):
        return [each for item in data["items"] for each in objects(item, file, line, problems)]
    metadata = data.get("metadata") if isinstance(data, dict) else None
    lacks = [key for key in ("apiVersion", "kind") if not isinstance(data, dict) or not data.get(key)]
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        lacks.append("metadata.name")
    if lacks:
        message = f"is no object of Kubernetes: it lacks {', '.join(lacks)}"
        problems.append(Problem(file_path(file, line, 1), message, "add what is missing, or remove it", RULE))
        return []
    return [ManifestObject(data, file, line)]

"""Programs that are sent to hosts are complete in themselves and need nothing but Python."""

from __future__ import annotations

import ast
import sys

import pytest

from greenfield.verify.scripts import FOLDER, PARTS, source
from greenfield.verify.session import AGENT, BOOTSTRAP

SHARED = {part for parts in PARTS.values() for part in parts}
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in {"__init__", *SHARED})


def imported(text: str) -> set[str]:
    """Top-level packages that a program imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_there_are_programs() -> None:
    assert PROGRAMS == [
        "api_client",
        "asker",
        "etcd_restore",
        "etcd_writer",
        "pod_network",
        "redis_client",
        "redis_restore",
        "tls_probe",
    ]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_needs_only_the_standard_library(name: str) -> None:
    assert imported(source(name)) <= sys.stdlib_module_names


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_name_a_program_uses_is_in_it(name: str) -> None:
    tree = ast.parse(source(name))
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for wanted in ("Connection", "ReplyError", "over_tls", "over_unix"):
        used = any(isinstance(node, ast.Name) and node.id == wanted for node in ast.walk(tree))
        assert not used or wanted in defined


def test_the_agent_needs_only_the_standard_library() -> None:
    assert imported(AGENT.decode()) <= sys.stdlib_module_names
    assert '"' not in BOOTSTRAP, "it travels in double quotes"

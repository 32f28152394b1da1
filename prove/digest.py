"""Digests of what reaches hosts or judges them: code and data, not comments, docstrings or READMEs."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from prove import REPO
from prove.event import Event, ProveError
from prove.places import entries_of, files_of

PROSE = (".md",)
TESTS = REPO / "tests"


def event_digest(event: Event, name: str, root: Path = REPO) -> str:
    """Digest of one KIND/EVENT of an event: the kind's places, the test with all that it imports of ``tests/``, and
    what its seat reads."""
    kind = name.split("/", maxsplit=1)[0]
    read = (kept(folder, root) for folder in event.seat.reads)
    files = digest({*files_of(kind, root), *harness(root / event.module, root)}.union(*read), root)
    return hashlib.sha256(f"{files} {entries_of(kind, root)}".encode()).hexdigest()[:16]


@cache
def kept(folder: str, root: Path) -> frozenset[Path]:
    """Files of a folder, without what git ignores: runs lay keys, locks and records beside a spec."""
    asked = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder]
    listed = subprocess.run(
        ["git", "-C", str(root), "-c", "safe.directory=*", *asked], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        raise ProveError(f"git can't list {folder}: {listed.stderr.strip()}", fix="run in a checkout, with git")
    found = frozenset(path for name in listed.stdout.split("\0") if name and (path := root / name).is_file())
    if not found:
        raise ProveError(f"{folder}, which a seat reads, is not there", fix="correct SEAT in its conftest.py")
    return found


def core_digest(root: Path = REPO) -> str:
    """Digest of the library, its schemas, standards, roles and programs: what every event runs on."""
    found: set[Path] = set()
    for folder in ("greenfield", "schemas", "standards", "roles", "stacks"):
        found |= {path for path in (root / folder).rglob("*") if path.is_file()}
    return digest(found, root)


def digest(files: Iterable[Path], root: Path = REPO) -> str:
    """SHA-256 over names and meaning of files, the same whatever their comments say (first 16 hexadecimal digits)."""
    seen = hashlib.sha256()
    for path in sorted(set(files)):
        if path.suffix in PROSE or "__pycache__" in path.parts:
            continue
        seen.update(f"{path.relative_to(root).as_posix()}\0{meaning(path)}\0".encode())
    return seen.hexdigest()[:16]


@cache
def meaning(path: Path) -> str:
    """Digest of what a file says to a machine."""
    raw = path.read_bytes()
    if path.suffix == ".py":
        said = _python(raw)
    elif path.suffix in (".yaml", ".yml"):
        said = _data(raw, yaml.safe_load_all)
    elif path.suffix == ".json":
        said = _data(raw, json.loads)
    elif path.suffix == ".j2":
        said = re.sub(rb"\{#.*?#\}", b"", raw, flags=re.DOTALL)
    else:
        said = raw
    return hashlib.sha256(said).hexdigest()


def harness(module: Path, root: Path = REPO) -> set[Path]:
    """A test module, what it imports of ``tests/`` at any depth, and the conftest.py files above it."""
    tests = root / "tests"
    found: set[Path] = set()
    waiting = [module]
    folder = module.parent
    while folder.is_relative_to(tests):
        waiting += [path for path in (folder / "conftest.py",) if path.exists()]
        folder = folder.parent
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path, tests)
    return found


@cache
def _imported(path: Path, tests: Path) -> list[Path]:
    """Files of ``tests/`` that a file imports by their plain names, as pytest's ``pythonpath`` lets it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return [found for name in names if "." not in name for found in _by_name(tests).get(name, ())]


@cache
def _by_name(tests: Path) -> dict[str, tuple[Path, ...]]:
    found: dict[str, tuple[Path, ...]] = {}
    for path in sorted(tests.rglob("*.py")):
        if path.stem != "conftest" and not path.stem.startswith("test_") and "unit" not in path.parts:
            found[path.stem] = (*found.get(path.stem, ()), path)
    return found


def _python(raw: bytes) -> bytes:
    tree = ast.parse(raw)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            # A docstring, and the strings behind constants that say what they are.
            node.body = [each for each in node.body if not _says(each)] or [ast.Pass()]
    return ast.dump(tree).encode()


def _says(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _data(raw: bytes, load: Any) -> bytes:
    try:
        said = load(raw)
        return json.dumps(said if isinstance(said, dict | list) else list(said), default=str).encode()
    except (ValueError, TypeError, yaml.YAMLError):
        # Templates and tags of others: then every byte counts.
        return raw

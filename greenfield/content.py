"""Finds the content that ships beside the code: roles, schemas, standards, acceptance suites, the Ansible collection.

In a checkout it lies at the top level; in an installed wheel under ``greenfield/_content``.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

CACHES = frozenset({"__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache"})
"""Folders that tools leave behind: a linter's run must not look like a change of roles."""


@cache
def root() -> Path:
    """The folder that holds ``roles``, ``schemas``, ``standards`` and ``tests/acceptance``."""
    shipped = PACKAGE / "_content"
    return shipped if shipped.is_dir() else PACKAGE.parent


def roles() -> Path:
    """Folder of Ansible roles."""
    return root() / "roles"


def schemas() -> Path:
    """Folder of JSON Schemas."""
    return root() / "schemas"


def standards() -> Path:
    """Folder of the standards that ship with Greenfield."""
    return root() / "standards"


def acceptance() -> Path:
    """Folder of the acceptance suites."""
    return root() / "tests" / "acceptance"


def tools() -> Path:
    """Folder of the pinned builds of tools (one Go module each)."""
    return root() / "tools"


def collections() -> Path:
    """An ``ANSIBLE_COLLECTIONS_PATH`` holding the collection ``greenfield.host``."""
    return PACKAGE / "configure" / "collections"


@cache
def digest(*folders: Path) -> str:
    """SHA-256 over names and bytes of every file below the folders, in a stable order (caches and READMEs left out).

    A file among the folders stands for itself.
    """
    seen = hashlib.sha256()
    for folder in folders:
        root = folder if folder.is_dir() else folder.parent
        for path in sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else [folder]:
            if CACHES & set(path.relative_to(root).parts) or path.name == "README.md":
                continue
            seen.update(str(path.relative_to(root)).encode() + b"\0")
            seen.update(hashlib.sha256(path.read_bytes()).digest())
    return seen.hexdigest()


def roles_digest(names: tuple[str, ...]) -> str:
    """Digest of roles' content and of the modules they call."""
    return digest(*(part for name in names for part in parts_of(name)))


@cache
def parts_of(role: str) -> tuple[Path, ...]:
    """What decides how a role works: its folder, the modules of the collection that it calls, and what these import.

    So a new module for one engine is no change of the hosts of another.
    """
    folder = roles() / role
    plugins = collections() / "ansible_collections" / "greenfield" / "host" / "plugins"
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.yml")))
    found: dict[Path, None] = {folder: None}
    for name in sorted(set(re.findall(r"\bgreenfield\.host\.([a-z_]+)", text))):
        waiting = [plugins / kind / f"{name}.py" for kind in ("modules", "action")]
        while waiting:
            path = waiting.pop()
            if path in found or not path.exists():
                continue
            found[path] = None
            imported = re.findall(r"plugins\.module_utils(?:\.| import )([a-z_]+)", path.read_text(encoding="utf-8"))
            waiting += [plugins / "module_utils" / f"{other}.py" for other in imported]
    return tuple(found)

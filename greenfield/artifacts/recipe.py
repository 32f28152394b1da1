"""How a tool of ``tools/`` is built: what its ``go.mod`` pins and its ``build.json`` says."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from greenfield import content
from greenfield.errors import ArtifactError


class ToolchainError(ArtifactError):
    """A tool can't be built: Go is missing or too old, the tool is unknown, or its build failed."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one tool is built from its Go module.

    Attributes:
        name: folder below ``tools/``.
        folder: holds ``go.mod``, ``go.sum``, ``build.json`` and, where the program is one of our own or leaves parts of
            the module's out, its source.
        module: path of the Go module that gives the tool its version; empty for a program of our own.
        version: of that module, as ``go.mod`` pins it (``v3.6.5``), or as ``build.json`` says for our own.
        binaries: name of the executable → Go package.
        ldflags: for ``go build``.
        copies: files of the module, relative to it, that belong beside the executables.
        embeds: name of a file that our own ``main.go`` embeds and that is not kept here → where it is in the module.
        tags: build tags.
        cgo: it has parts in C, so gcc builds too.
        on_demand: built only where it is named: neither a site nor a test needs it.
    """

    name: str
    folder: Path
    module: str
    version: str
    binaries: Mapping[str, str]
    ldflags: str
    copies: tuple[str, ...]
    tags: tuple[str, ...] = ()
    cgo: bool = False
    on_demand: bool = False
    embeds: Mapping[str, str] = field(default_factory=dict)

    @property
    def purl(self) -> str:
        """What an SBOM calls what is built."""
        return f"pkg:golang/{self.module}@{self.version}" if self.module else f"pkg:generic/{self.name}@{self.version}"

    def key(self, compilers: str) -> str:
        """Names the build: changes with the pins, the recipe, our own source and the compilers."""
        seen = hashlib.sha256(compilers.encode())
        source = [self.folder / "main.go"] if (self.folder / "main.go").exists() else []
        for file in (*(self.folder / name for name in ("go.mod", "go.sum", "build.json")), *source):
            seen.update(hashlib.sha256(file.read_bytes()).digest())
        return seen.hexdigest()[:16]


def names() -> list[str]:
    """Every tool that can be built."""
    return sorted(path.parent.name for path in content.tools().glob("*/build.json"))


def recipe(name: str) -> Recipe:
    """The recipe of a tool.

    Raises:
        ToolchainError: there is no such tool, or go.mod does not pin the module its recipe names.
    """
    if name not in names():
        raise ToolchainError(f"there is no tool {name!r} in {content.tools()}", fix=f"one of: {', '.join(names())}")
    folder = content.tools() / name
    raw = json.loads((folder / "build.json").read_text())
    version = raw.get("version") or _pinned(folder, raw["module"])
    return Recipe(
        name=name,
        folder=folder,
        module=raw.get("module", ""),
        version=version,
        binaries=raw["binaries"],
        ldflags=raw["ldflags"].replace("{version}", version),
        copies=tuple(raw["copy"]),
        tags=tuple(raw.get("tags", ())),
        cgo=raw.get("cgo", False),
        on_demand=raw.get("on_demand", False),
        embeds=raw.get("embed", {}),
    )


def _pinned(folder: Path, module: str) -> str:
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} (v\S+)", (folder / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise ToolchainError(f"{folder / 'go.mod'} does not pin {module}", fix=f"go get {module}@VERSION in {folder}")
    return found[1]

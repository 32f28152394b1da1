"""The official Kubernetes plugin of Pulumi: an installed one, else the pinned build, as with Pulumi's own CLI.

Pulumi would download it where it has none; a site without a way out can't.
"""

from __future__ import annotations

import os
import re
from importlib import metadata
from pathlib import Path

from greenfield.artifacts.go_build import Progress
from greenfield.artifacts.recipe import ToolchainError
from greenfield.artifacts.toolchain import build

PROGRAM = "pulumi-resource-kubernetes"
BUILD = "pulumi-kubernetes"
"""Folder of ``tools/`` that pins it."""


def folder(*, progress: Progress | None = None) -> Path:
    """Where the plugin lies: on PATH, else among those that Pulumi has installed, else built, which takes minutes.

    Of those that Pulumi has installed, the one of the Python package's version goes first, then the newest of its
    major version that is not older: Pulumi complains of a plugin that is older than the package.

    Raises:
        ToolchainError: as ``build``.
    """
    version = metadata.version("pulumi-kubernetes")
    if found := _on_path() or _installed(version):
        return found.parent
    try:
        return build(BUILD, progress=progress)
    except ToolchainError as error:
        fix = (
            f"greenfield mirror add plugin/kubernetes-{version} FILE --sha256 DIGEST (docs/platform.md says which file)"
        )
        raise ToolchainError(error.message, fix=f"{error.fix}; or carry the plugin in: {fix}") from None


def _on_path() -> Path | None:
    for place in os.get_exec_path():
        path = Path(place) / PROGRAM
        if path.is_file() and os.access(path, os.X_OK) and not _former(path):
            return path.absolute()
    return None


def _former(path: Path) -> bool:
    """Whether it is the script by which an environment of an earlier Greenfield started a plugin of our own."""
    with path.open("rb") as file:
        return b"greenfield.kubernetes_provider" in file.read(2000)


def _installed(version: str) -> Path | None:
    # `greenfield up` gives Pulumi a home of its own; what the user has installed in theirs counts all the same.
    homes = [Path.home() / ".pulumi", *(Path(home) for home in [os.environ.get("PULUMI_HOME")] if home)]
    found = {
        path.parent.name.removeprefix("resource-kubernetes-v"): path
        for home in homes
        for path in (home / "plugins").glob(f"resource-kubernetes-v*/{PROGRAM}")
        if os.access(path, os.X_OK)
    }
    if version in found:
        return found[version]
    wanted = _numbers(version)
    fitting = [key for key in found if _numbers(key)[:1] == wanted[:1] and _numbers(key) > wanted]
    return found[max(fitting, key=_numbers)] if fitting else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("-")[0]))

"""The official plugin goes first: where it is installed, ours hands over to it, however ours was found."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

PROGRAM = "pulumi-resource-kubernetes"
CHOICE = "GREENFIELD_KUBERNETES_PLUGIN"
"""Environment variable: ``own`` keeps to ours even where the official one is installed."""


def sdk_version() -> str:
    """Version of the installed ``pulumi-kubernetes``: it asks for a plugin of its own version, so this is ours too."""
    try:
        return metadata.version("pulumi-kubernetes")
    except metadata.PackageNotFoundError:
        return "0.0.0"


def hand_over(arguments: Sequence[str]) -> None:
    """Become the official plugin if there is one; returns where there is none."""
    if os.environ.get(CHOICE) == "own":
        return
    found = find_official(sdk_version())
    if found is not None:
        os.execv(found, [str(found), *arguments])  # noqa: S606 (no shell is wanted)


def find_official(version: str) -> Path | None:
    """The official plugin: of that version, else the newest of its major version; else one on PATH that is not ours."""
    # `greenfield up` gives Pulumi a home of its own; what the user has installed in theirs counts all the same.
    homes = [Path.home() / ".pulumi", *(Path(home) for home in [os.environ.get("PULUMI_HOME")] if home)]
    installed = {
        path.parent.name.removeprefix("resource-kubernetes-v"): path
        for home in homes
        for path in (home / "plugins").glob(f"resource-kubernetes-v*/{PROGRAM}")
        if os.access(path, os.X_OK)
    }
    if version in installed:
        return installed[version]
    same = [key for key in installed if _numbers(key)[:1] == _numbers(version)[:1]]
    return installed[max(same, key=_numbers)] if same else _on_path()


def _on_path() -> Path | None:
    for folder in os.get_exec_path():
        path = Path(folder) / PROGRAM
        if os.access(path, os.X_OK) and path.is_file() and not _ours(path):
            return path.resolve()
    return None


def _ours(path: Path) -> bool:
    """Whether it is the script that our package installs (of this environment or another one)."""
    with path.open("rb") as file:
        return b"greenfield" in file.read(2000)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("-")[0]))

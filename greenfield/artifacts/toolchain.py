"""Builds the pinned Go modules of ``tools/`` once, into the cache. Needs only the standard library and Go.

``python -m greenfield.artifacts.toolchain build [NAME...]`` builds (all by default); ``path`` prints the folders to put
first on PATH. Each folder of ``tools/`` has go.mod and go.sum (what), tools.go (why go.mod keeps it) and build.toml:

- ``outputs``: program name to Go package
- ``stamp``: Go variable to the module whose version it is given
- ``copy``: module to patterns of its files that belong beside the programs
- ``expected_seconds``: of a first build on two cores, for people who wait
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from greenfield import content
from greenfield.artifacts.place import cache
from greenfield.errors import ArtifactError

BUILD_SECONDS = 3600
OFFICIAL_AT_LEAST = (3, 200)
PULUMI = ("pulumi", "pulumi-language-python")
"""What an official Pulumi CLI with its language host stands in for."""

FLAGS = ("-trimpath", "-buildvcs=false", "-mod=readonly")
LINK = "-s -w -buildid="
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOAMD64": "v1"}
"""Everything that would make two workstations build different bytes is fixed here."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Tool:
    """A folder of ``tools/`` and what its build.toml says."""

    name: str
    folder: Path
    outputs: dict[str, str]
    stamp: dict[str, str] = field(default_factory=dict)
    copy: dict[str, list[str]] = field(default_factory=dict)
    expected_seconds: int = 60


def names() -> list[str]:
    """Every tool that can be built."""
    return sorted(path.parent.name for path in content.tools().glob("*/build.toml"))


def load(name: str) -> Tool:
    """Read ``tools/<name>/build.toml``.

    Raises:
        ArtifactError: there is no such tool.
    """
    folder = content.tools() / name
    try:
        values = tomllib.loads((folder / "build.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"there is no tool {name!r}; there are: {', '.join(names())}") from None
    return Tool(name=name, folder=folder, **values)


def bin_path(wanted: Sequence[str], say: Say = lambda words: None) -> list[Path]:
    """Folders to put first on PATH to have these tools, built now if they have to be.

    Raises:
        ArtifactError: Go is missing, or a build failed.
    """
    official = official_pulumi()
    folders = [official] if official and set(PULUMI) & set(wanted) else []
    return folders + [build(name, say) for name in wanted if not (official and name in PULUMI)]


def official_pulumi() -> Path | None:
    """Folder of an installed Pulumi CLI that is recent enough and has its Python language host beside it."""
    found = shutil.which("pulumi")
    if not found or Path(found).resolve().is_relative_to(cache().resolve()):
        return None
    folder = Path(found).parent
    if not (folder / "pulumi-language-python").exists():
        folder = Path(found).resolve().parent
        if not (folder / "pulumi-language-python").exists():
            return None
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        said = subprocess.run(
            [found, "version"], capture_output=True, text=True, timeout=30, check=False, env=environment
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.match(r"v?(\d+)\.(\d+)", said.strip())
    return folder if version and (int(version[1]), int(version[2])) >= OFFICIAL_AT_LEAST else None


def build(name: str, say: Say = lambda words: None) -> Path:
    """Folder with a tool's programs; builds them when this version was never built here.

    The folder's name holds a hash of go.mod, go.sum, build.toml, flags and Go's version. It appears whole or not at
    all; a second build of the same waits for the first.

    Raises:
        ArtifactError: Go is missing or too old, or the build failed.
    """
    tool = load(name)
    place = cache() / "tools" / f"{name}-{_key(tool, _go_version())}"
    if (place / "bin").is_dir():
        return place / "bin"
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone(place.with_suffix(".lock"), name, say):
        if not (place / "bin").is_dir():
            with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{name}-") as scratch:
                fresh = Path(scratch) / "tool"
                (fresh / "bin").mkdir(parents=True)
                with _clock(f"building {name}", tool.expected_seconds, say):
                    _compile(tool, fresh / "bin")
                fresh.replace(place)
    return place / "bin"


def _compile(tool: Tool, target: Path) -> None:
    stamps = " ".join(f"-X {variable}={_version(tool, module)}" for variable, module in tool.stamp.items())
    for output, package in tool.outputs.items():
        _go(tool, ["build", *FLAGS, "-ldflags", f"{LINK} {stamps}".strip(), "-o", str(target / output), package])
    for module, patterns in tool.copy.items():
        source = Path(_go(tool, ["list", "-m", "-f", "{{.Dir}}", module]).strip())
        for pattern in patterns:
            found = [path for path in sorted(source.glob(pattern)) if path.is_file() and path.suffix != ".cmd"]
            if not found:
                raise ArtifactError(f"{module} has no {pattern}", fix=f"correct {tool.folder / 'build.toml'}")
            for path in found:
                shutil.copyfile(path, target / path.name)
                # Module files are read-only and not executable; these are scripts.
                (target / path.name).chmod(0o755)


def _version(tool: Tool, module: str) -> str:
    found = re.search(
        rf"^\s*(?:require )?{re.escape(module)} (v\S+)", (tool.folder / "go.mod").read_text(), re.MULTILINE
    )
    if not found:
        raise ArtifactError(f"{tool.folder / 'go.mod'} does not require {module}", fix="correct build.toml")
    return found[1]


def _key(tool: Tool, go: str) -> str:
    seen = hashlib.sha256(f"{FLAGS}{LINK}{sorted(ENVIRONMENT.items())}{go}".encode())
    for name in ("go.mod", "go.sum", "build.toml"):
        seen.update((tool.folder / name).read_bytes())
    return seen.hexdigest()[:16]


def _go_version() -> str:
    go = shutil.which("go")
    if not go:
        raise ArtifactError(
            "Go is not installed, and tools/ is built with it",
            fix="install Go 1.26 or later and put it on PATH (for Pulumi alone: the official CLI, "
            f"{'.'.join(map(str, OFFICIAL_AT_LEAST))} or later, with its Python language host)",
        )
    return subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def _go(tool: Tool, arguments: Sequence[str]) -> str:
    environment = {**os.environ, **ENVIRONMENT}
    try:
        done = subprocess.run(
            ["go", *arguments],
            cwd=tool.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ArtifactError(f"go {arguments[0]} of tools/{tool.name} did not end within {BUILD_SECONDS} s") from None
    if done.returncode:
        said = "\n  ".join(done.stderr.strip().splitlines()[-8:])
        raise ArtifactError(
            f"go {arguments[0]} of tools/{tool.name} failed:\n  {said}",
            fix="the module proxy must be reachable (go env GOPROXY), and go.sum must hold every hash",
        )
    return done.stdout


@contextmanager
def _clock(what: str, expected: int, say: Say) -> Iterator[None]:
    """Says what goes on, for how long, and how long it should take, every few seconds."""
    started, over = time.monotonic(), threading.Event()

    def tick() -> None:
        while not over.wait(5):
            say(f"{what}: {time.monotonic() - started:.0f} s of about {expected} s")

    say(f"{what}: about {expected} s the first time")
    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    say(f"{what}: done in {time.monotonic() - started:.0f} s")


@contextmanager
def _alone(guard: Path, name: str, say: Say) -> Iterator[None]:
    """One build of a tool at a time; waits for another's with a deadline."""
    deadline = time.monotonic() + BUILD_SECONDS
    with guard.open("w") as held:
        waiting = False
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    say(f"another process is building {name}; waiting for it")
                waiting = True
                if time.monotonic() > deadline:
                    raise ArtifactError(f"{guard} is still held after {BUILD_SECONDS} s by another build") from None
                time.sleep(0.5)
        yield


def main(arguments: Sequence[str]) -> int:
    """``build [NAME...]`` or ``path [NAME...]``; progress on standard error. Exit code 1 when something failed."""
    command, wanted = (arguments[0] if arguments else ""), list(arguments[1:]) or names()
    if command not in ("build", "path"):
        sys.stderr.write("usage: python -m greenfield.artifacts.toolchain build|path [NAME...]\n")
        return 2
    try:
        folders = bin_path(wanted, lambda words: sys.stderr.write(f"{words}\n") and None)
    except ArtifactError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    if command == "path":
        sys.stdout.write(":".join(map(str, folders)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Builds the pinned tools of ``tools/`` from their Go modules, once, into a folder keyed by everything they come from.

Nothing beyond the standard library is imported, so that any Python 3.11 runs this file as a script before
a virtual environment exists: ``python3 greenfield/artifacts/toolchain.py build pulumi``.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # Run as a script: the folder of this file stands first, where its siblings would shadow packages.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

from greenfield.artifacts.go_build import BUILD_DEADLINE_SECONDS, GivenUpError, Progress, compile_tool, given_up
from greenfield.artifacts.place import cache
from greenfield.artifacts.recipe import Recipe, ToolchainError, names, recipe

AT_ONCE = 2

PULUMI = ("pulumi", "pulumi-language-python")
"""What ``pulumi up`` of a Python program needs on PATH."""

OLDEST_OFFICIAL = (3, 200)
"""The oldest installed Pulumi CLI that is used instead of the pinned build."""


def cache_dir() -> Path:
    """Folder of all builds: ``tools`` in the cache."""
    return cache() / "tools"


def build(name: str, *, progress: Progress | None = None) -> Path:
    """Builds a tool unless its build is there, and gives the folder of its executables.

    Two callers at once build it once. A build that is killed leaves nothing that a later one would take for whole.

    Raises:
        ToolchainError: the tool is unknown, Go is missing or too old, or the build failed (with its last lines).
    """
    say = progress or (lambda _: None)
    wanted = recipe(name)
    go = _go()
    place = cache_dir() / f"{name}-{wanted.key(_compilers(wanted, go))}"
    if (place / "bin").is_dir():
        return place / "bin"
    cache_dir().mkdir(parents=True, exist_ok=True)
    with _alone(name, say):
        if not (place / "bin").is_dir():
            with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=cache_dir()) as scratch:
                whole = Path(scratch) / "whole"
                (whole / "bin").mkdir(parents=True)
                compile_tool(wanted, go, whole / "bin", say)
                whole.rename(place)
    return place / "bin"


def path_prefix(*, progress: Progress | None = None) -> str:
    """What goes in front of PATH (behind the virtual environment's bin) so that ``pulumi`` runs Python programs.

    The folder of an installed official CLI when it is recent enough and has its language host beside it, else a
    folder with the pinned builds, which are made when missing. Never empty.

    Raises:
        ToolchainError: as ``build``.
    """
    official = official_pulumi()
    if official is not None:
        return str(official)
    return str(_together([build(name, progress=progress) for name in PULUMI]))


def _together(folders: list[Path]) -> Path:
    """One folder with what is in several: Pulumi warns of a language host that does not lie beside itself.

    Hard links, since Pulumi looks where its own file really lies.
    """
    place = cache_dir() / "-".join(["together", *(folder.parent.name for folder in folders)])
    if not place.is_dir():
        with tempfile.TemporaryDirectory(prefix=".together-", dir=cache_dir()) as scratch:
            whole = Path(scratch) / "whole"
            whole.mkdir()
            for file in (file for folder in folders for file in folder.iterdir()):
                os.link(file, whole / file.name)
            # Another process may have been faster; what it made is the same.
            with contextlib.suppress(OSError):
                whole.rename(place)
    return place


def official_pulumi() -> Path | None:
    """Folder of an installed Pulumi CLI that runs Python programs and is recent enough; None when there is none."""
    found = shutil.which("pulumi")
    if found is None or not (Path(found).parent / "pulumi-language-python").is_file():
        return None
    try:
        said = subprocess.run([found, "version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.match(r"v?(\d+)\.(\d+)\.", said)
    recent = version is not None and (int(version[1]), int(version[2])) >= OLDEST_OFFICIAL
    return Path(found).parent if recent else None


def _go() -> str:
    go = shutil.which("go")
    if go is None:
        raise ToolchainError(
            "Go is not on PATH, and the pinned tools are built with it",
            fix="install Go (https://go.dev/doc/install); for Pulumi alone, its official CLI does as well",
        )
    return go


def _go_version(go: str) -> str:
    # GOTOOLCHAIN picks another compiler by go.mod; what builds is what this names, as go.mod is part of the key.
    return subprocess.run([go, "version"], capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def _compilers(wanted: Recipe, go: str) -> str:
    """What builds, to the version."""
    if not wanted.cgo:
        return _go_version(go)
    if shutil.which("gcc") is None:
        raise ToolchainError(
            f"gcc is not on PATH, and {wanted.name} has parts in C", fix="apt-get install gcc libc6-dev"
        )
    gcc = subprocess.run(["gcc", "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    return f"{_go_version(go)}\n{gcc.splitlines()[0]}"


@contextlib.contextmanager
def _alone(name: str, say: Progress) -> Iterator[None]:
    """Holds the lock of a tool's build; waits for another builder, and says so."""
    deadline = time.monotonic() + BUILD_DEADLINE_SECONDS
    with (cache_dir() / f".{name}.lock").open("a") as lock:
        said = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ToolchainError(f"another process has been building {name} for an hour") from None
                if not said:
                    say(f"{name}: waiting for another process that builds it")
                said = True
                time.sleep(0.2)
        yield


def _build_all(wanted: list[str], say: Progress) -> list[Path]:
    """Two at a time: while one downloads or links, which leaves cores idle, the other compiles."""

    def one(name: str) -> Path:
        if given_up.is_set():
            raise GivenUpError(f"{name}: given up")
        try:
            return build(name, progress=say)
        except ToolchainError:
            given_up.set()
            raise

    with ThreadPoolExecutor(AT_ONCE) as pool:
        tasks = [pool.submit(one, name) for name in wanted]
        try:
            wait(tasks)
        except BaseException:  # Ctrl-C: what runs ends too, instead of being waited for.
            given_up.set()
            raise
    for task in tasks:
        error = task.exception()
        if error is not None and not isinstance(error, GivenUpError):
            raise error
    return [task.result() for task in tasks]


def _main() -> int:
    parser = argparse.ArgumentParser(prog="toolchain", description="Builds the tools that Greenfield pins, once.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    builder = verbs.add_parser(
        "build", help="build tools and print their folders; without names: all but those on demand"
    )
    builder.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}")
    verbs.add_parser("path", help="print what goes in front of PATH for pulumi; builds it when needed")
    given = parser.parse_args()

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    try:
        if given.verb == "path":
            places = [path_prefix(progress=say)]
        else:
            wanted = given.names or [name for name in names() if not recipe(name).on_demand]
            places = [str(place) for place in _build_all(wanted, say)]
    except ToolchainError as error:
        say(f"error: {error}")
        return 1
    sys.stdout.write("".join(f"{place}\n" for place in places))
    return 0


if __name__ == "__main__":
    sys.exit(_main())

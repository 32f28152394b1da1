"""Runs Go to build one tool: its modules are what ``go.mod`` pins, its bytes the same on every workstation."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from greenfield.artifacts.recipe import Recipe, ToolchainError

Progress = Callable[[str], None]

BUILD_DEADLINE_SECONDS = 3600.0
"""Of one build, downloads included: a 2-core machine with a cold cache needs about five minutes for Pulumi."""

PROGRESS_SECONDS = 5.0
LAST_LINES = 20


class GivenUpError(ToolchainError):
    """It was ended because another build failed, or a person said so."""


given_up = threading.Event()
"""Builds of this process are not wanted any more."""


def compile_tool(wanted: Recipe, go: str, target: Path, say: Progress) -> None:
    """Have a tool's programs, and the files that belong beside them, in a folder that is empty.

    Raises:
        ToolchainError: Go failed (with its last lines) or took too long.
        GivenUpError: ``given_up`` was set meanwhile.
    """
    title = f"{wanted.name} {wanted.version}"
    command = [go, "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", wanted.ldflags]
    command += ["-tags", ",".join(wanted.tags)] if wanted.tags else []
    with tempfile.TemporaryDirectory(prefix="greenfield-overlay-") as scratch:
        if wanted.embeds:
            overlay = Path(scratch) / "overlay.json"
            overlay.write_text(json.dumps({"Replace": _laid_over(wanted, _module(wanted, go, say))}))
            command += ["-overlay", str(overlay)]
        # All at once: a core that has nothing left to compile links what is complete.
        _run([*command, "-o", f"{target}/", *wanted.binaries.values()], wanted, f"building {title}", say)
    for binary, package in wanted.binaries.items():
        (target / _program(package)).rename(target / binary)
    if wanted.copies:
        module = _module(wanted, go, say)
        for copy in wanted.copies:
            # The module cache is read-only, and these are scripts that Pulumi executes.
            to = target / Path(copy).name
            shutil.copyfile(module / copy, to)
            to.chmod(0o755)


def _module(wanted: Recipe, go: str, say: Progress) -> Path:
    """Where the module lies, checked against ``go.sum``."""
    _run([go, "mod", "download", wanted.module], wanted, f"fetching {wanted.name} {wanted.version}", say)
    listed = _run([go, "list", "-m", "-f", "{{.Dir}}", wanted.module], wanted, f"finding {wanted.name}", say)
    return Path(listed[-1])


def _laid_over(wanted: Recipe, module: Path) -> dict[str, str]:
    """What the compiler shall read in the module where our folder has no such file: nothing is copied into it."""
    return {str(wanted.folder.resolve() / name): str(module / path) for name, path in wanted.embeds.items()}


def _program(package: str) -> str:
    """What Go calls a package's program: the last part of its path that is no major version (``go help build``)."""
    parts = package.split("/")
    return parts[-2] if re.fullmatch(r"v\d+", parts[-1]) else parts[-1]


def _run(command: list[str], wanted: Recipe, title: str, say: Progress) -> list[str]:
    """Runs one go command; its last lines come back, or in the error."""
    began = time.monotonic()
    lines: deque[str] = deque(maxlen=LAST_LINES)
    counts = {"downloaded": 0, "compiled": 0}
    process = subprocess.Popen(
        command,
        cwd=wanted.folder,
        env=_environment(wanted),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            counts["downloaded" if line.startswith("go: downloading") else "compiled"] += 1

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PROGRESS_SECONDS)
            elapsed = time.monotonic() - began
            done = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
            if given_up.is_set():
                raise GivenUpError(f"{title}: given up")
            if elapsed > BUILD_DEADLINE_SECONDS:
                raise ToolchainError(
                    f"{title}: not done after {elapsed:.0f} s; last seen: {lines[-1] if lines else '-'}"
                )
            if process.returncode is None or elapsed >= PROGRESS_SECONDS:
                say(f"{title}: {elapsed:.0f} s, {done or 'starting'}")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join(timeout=10)
    if process.returncode:
        shown = "\n".join(f"    {line}" for line in lines)
        raise ToolchainError(
            f"{title}: {shlex.join(command[:2])} failed with code {process.returncode} in {wanted.folder}\n{shown}",
            fix="if modules can't be had, set GOPROXY to a proxy that this machine reaches; "
            "if Go is too old, install the version that go.mod names",
        )
    return list(lines)


def _environment(wanted: Recipe) -> dict[str, str]:
    # Hosts get some of these programs: two workstations must build the same bytes.
    fixed = {"CGO_ENABLED": "1" if wanted.cgo else "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "GOAMD64": "v1"}
    return {**os.environ, **fixed, **({"CC": "gcc"} if wanted.cgo else {})}

"""Runs an acceptance in a process of its own: whatever happens to it, somebody is left to say that it wasn't judged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greenfield import content
from greenfield.errors import VerifyError
from greenfield.verify.results import RunResult, from_json

USAGE_EXIT = 4
"""pytest's exit status for what it could not even begin (a wrong spec among it)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to judge and how.

    Attributes:
        spec: folder or file of the spec.
        cluster: which cluster; empty when the spec has one.
        only: words that name groups, controls, hosts or engines; empty for everything.
        secrets: JSON file of secrets, or ``None``.
        backend: ``greenfield`` or ``ssh``.
        folder: where results and the log go; made when missing.
        suites: folder of the suites; those that ship by default.
    """

    spec: Path
    folder: Path
    cluster: str = ""
    only: tuple[str, ...] = ()
    secrets: Path | None = None
    backend: str = "greenfield"
    suites: Path | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A check has finished; ``done`` of ``of`` have."""

    control: str
    group: str
    target: str
    outcome: str
    message: str
    done: int
    of: int


def run(request: Request, on_progress: Callable[[Progress], None] = lambda progress: None) -> RunResult:
    """Judge, telling ``on_progress`` of each check as it ends.

    Raises:
        VerifyError: the run ended without results; its log's end is in the message.
    """
    request.folder.mkdir(parents=True, exist_ok=True)
    results, log = request.folder / "results.json", request.folder / "acceptance.log"
    results.unlink(missing_ok=True)
    readable, writable = os.pipe()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            _command(request, results, writable),
            pass_fds=(writable,),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    os.close(writable)
    try:
        for progress in _progress(readable):
            on_progress(progress)
        status = process.wait()
    except BaseException:
        # Interrupted: let pytest undo what a drill has done before it ends.
        os.killpg(process.pid, signal.SIGINT)
        process.wait(120)
        raise
    return _result(results, log, status)


def _command(request: Request, results: Path, progress_fd: int) -> list[str]:
    suites = request.suites or content.acceptance()
    words = [sys.executable, "-m", "pytest", str(suites), "-q", "--tb=short", "--color=no", "-p", "no:cacheprovider"]
    words += ["--cluster", str(request.spec), "--backend", request.backend, "--results", str(results)]
    words += ["--progress-fd", str(progress_fd)]
    if request.cluster:
        words += ["--cluster-name", request.cluster]
    if request.secrets:
        words += ["--secrets", str(request.secrets)]
    for word in request.only:
        words += ["--only", word]
    return words


def _progress(readable: int) -> Iterator[Progress]:
    with os.fdopen(readable, encoding="utf-8") as lines:
        for line in lines:
            yield Progress(**json.loads(line))


def _result(results: Path, log: Path, status: int) -> RunResult:
    if results.is_file():
        document: Mapping[str, Any] = json.loads(results.read_text())
        results.unlink()  # the report writes them under the cluster's name
        return from_json(document)
    tail = "\n".join(log.read_text(errors="replace").strip().splitlines()[-8:])
    what = "could not begin" if status == USAGE_EXIT else f"ended without results (exit status {status})"
    raise VerifyError(f"the acceptance run {what}:\n{tail}", fix=f"the whole log is {log}")

"""Everything a mirror serves: packages and files by nginx, and images by a registry when it has any."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import NoReturn

from greenfield.artifacts import registry, web
from greenfield.artifacts.command import run
from greenfield.artifacts.place import mirror_dir, state_dir
from greenfield.errors import ArtifactError

START_SECONDS = 20.0
STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """A program that serves in the foreground.

    Attributes:
        name: ``nginx`` or ``registry``.
        config: text of its configuration; whoever starts it writes it to ``NAME.conf`` in the state folder first,
            and starts it anew when the text changed.
        argv: its command; it writes its pid to ``NAME.pid`` in the state folder and says what is wrong on stderr.
        address: where it listens.
        port: of TCP.
    """

    name: str
    config: str
    argv: tuple[str, ...]
    address: str
    port: int


def programs(
    site: str, state: Path, listen: str, names: Iterable[str] = (), registry_port: int = registry.PORT
) -> tuple[Program, ...]:
    """What has to run so that hosts get everything of a site's mirror; the registry only when there are images.

    Args:
        site: the site's name.
        state: folder of configurations and pid files.
        listen: ADDRESS:PORT of the mirror; the registry listens on the same address.
        names: more addresses and host names by which hosts reach the registry.
        registry_port: where hosts expect the registry.

    Raises:
        ArtifactError: ``listen`` is not ADDRESS:PORT, or the registry's authority is not here.
    """
    address, port = listen.rsplit(":", 1) if ":" in listen else (listen, "0")
    config = web.configuration(state, mirror_dir(site), listen)
    nginx = ("nginx", "-c", str(state / "nginx.conf"), "-p", str(state), "-e", "stderr")
    bare = address.strip("[]")
    found = [Program("nginx", config, nginx, bare, int(port))]
    if registry.is_needed(site):
        known = {*names} if ip_address(bare).is_unspecified else {bare, *names}
        text = registry.configuration(site, f"{address}:{registry_port}", known)
        found.append(Program("registry", text, registry.command(site, state), bare, registry_port))
    return tuple(found)


def serve(site: str, listen: str, names: Iterable[str] = (), registry_port: int = registry.PORT) -> NoReturn:
    """Serve a mirror in the foreground until interrupted; where nginx alone does, this process becomes nginx.

    Raises:
        ArtifactError: a program is not installed, refuses its configuration, or ends by itself.
    """
    state = state_dir(site) / "serve"
    state.mkdir(mode=0o700, exist_ok=True)
    wanted = programs(site, state, listen, names, registry_port)
    for program in wanted:
        (state / f"{program.name}.conf").write_text(program.config, encoding="utf-8")
    run([*wanted[0].argv, "-t"])
    if len(wanted) == 1:
        os.execvp(wanted[0].argv[0], wanted[0].argv)  # noqa: S606 - no shell is wanted
    _together(wanted)


def _together(wanted: Sequence[Program]) -> NoReturn:
    """Run several programs as one: they start, answer and end together."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for program in wanted:
            # Should this process be killed, its children are told to end.
            running[program.name] = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *program.argv])
        for program in wanted:
            wait_until_answers(program, running[program.name])
        while True:
            for name, process in running.items():
                if process.poll() is not None:
                    raise ArtifactError(f"{name} ended with exit code {process.returncode}")
            time.sleep(0.2)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until_answers(program: Program, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait until a program takes connections.

    Raises:
        ArtifactError: it does not within 20 s, or its process ended.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        if process is not None and process.poll() is not None:
            raise ArtifactError(f"{program.name} ended with exit code {process.returncode}; see what it said above")
        try:
            socket.create_connection((program.address, program.port), timeout=1).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise ArtifactError(
                    f"{program.name} does not answer at {program.address}:{program.port}: {error}"
                ) from error
            time.sleep(0.05)


def _leave(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)

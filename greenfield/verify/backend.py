"""testinfra backends of an acceptance run: ours (``greenfield://``) and testinfra's own ssh, both keeping evidence.

Ours keeps one connection a host. A check that only reads may look ahead: what it runs on the first host is sent to all
others at once, so that they work while pytest, which is single-threaded, judges one after another.
"""

from __future__ import annotations

import shlex
import time
from typing import Any

import testinfra.backend
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.backend.ssh import SshBackend

from greenfield.verify.recorder import Recorder
from greenfield.verify.session import COMMAND_SECONDS, Answer, Fleet, UnreachableError, ssh_options

NAME = "greenfield"
TIMEOUT_RC = 124
"""Exit status of a command that was killed at its deadline, the one ``timeout(1)`` gives."""


class Ran(CommandResult):  # type: ignore[misc]  # testinfra has no types
    """A command's result that tells itself in one line, because it ends up in messages for people."""

    def __repr__(self) -> str:
        words = (self.stderr or self.stdout).strip().splitlines()
        return f"{self.command.decode(errors='replace')[:200]!r}: {words[-1] if words else 'no output'}"

    __str__ = __repr__


class FleetBackend(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """Runs a host's commands over its session, as root; what the scouting host runs is sent ahead to the others."""

    NAME = NAME

    def __init__(self, hostname: str, fleet: Fleet, recorder: Recorder, **kwargs: Any) -> None:
        super().__init__(hostname)
        self.fleet = fleet
        self.recorder = recorder
        self._encoding = "UTF-8"

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """Run a command.

        Keyword arguments: ``timeout`` in seconds, ``stdin`` text, ``env`` further environment (neither is recorded).
        """
        text = self.get_command(command, *args)
        plain = not kwargs.get("stdin") and not kwargs.get("env")
        if plain:
            self.fleet.ask_others(self.hostname, text)
        answer = self.fleet.sessions[self.hostname].run(
            text,
            timeout=kwargs.get("timeout", COMMAND_SECONDS),
            stdin=kwargs.get("stdin", ""),
            env=kwargs.get("env"),
        )
        rc = TIMEOUT_RC if answer.timed_out else answer.rc
        self.recorder.command(self.hostname, text, rc, answer)
        return Ran(self, rc, self.encode(text), answer.stdout, answer.stderr)


class PlainSshBackend(SshBackend):  # type: ignore[misc]  # testinfra has no types
    """testinfra's ssh backend, with its defaults and evidence: what ours is compared with.

    It can't hand over stdin or environment, so only checks that need neither run on it.
    """

    def __init__(self, hostname: str, fleet: Fleet, recorder: Recorder, **kwargs: Any) -> None:
        session = fleet.sessions[hostname]
        # The connection's options stand where testinfra puts extra arguments; multiplexing stays at its default.
        options = ssh_options(session.access)
        position = options.index("ControlPath=none")
        extra = shlex.join(options[: position - 1] + options[position + 1 :])
        super().__init__(f"{session.access.user}@{session.address}", ssh_extra_args=extra, sudo=True)
        self.planned_name = hostname
        self.recorder = recorder
        self._encoding = "UTF-8"

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        """Run a command; one ssh process each."""
        if kwargs.get("stdin") or kwargs.get("env"):
            raise UnreachableError(
                f"{self.planned_name}: the ssh backend can't run checks that hand over input",
                fix="--backend greenfield, or --only host",
            )
        started = time.time()
        try:
            result = super().run(command, *args)
        except RuntimeError as error:
            raise UnreachableError(f"{self.planned_name} ({self.hostname}) can't be judged: {error}") from error
        self.recorder.command(
            self.planned_name,
            self.quote(command, *args),
            result.rc,
            Answer(result.rc, result.stdout_bytes, result.stderr_bytes, started, time.time() - started),
        )
        return result


testinfra.backend.BACKENDS[NAME] = "greenfield.verify.backend.FleetBackend"

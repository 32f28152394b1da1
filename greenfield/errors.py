"""The one root error, with a subclass per step. Every error says where, why and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from greenfield.model.problem import Problem


class GreenfieldError(Exception):
    """Something that stops a run and that the user can act on.

    Attributes:
        message: what happened and where, one sentence without a stack trace.
        fix: what to do next, an imperative sentence or a command; may be empty.
    """

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}\n  fix: {self.fix}" if self.fix else self.message


class SpecError(GreenfieldError):
    """The spec is wrong. Carries every problem found, not just the first."""

    def __init__(self, message: str, problems: Sequence[Problem] = (), *, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.problems = tuple(problems)


class PlanError(SpecError):
    """The spec is well formed but can't be placed, fed or made to survive what it must."""


class ArtifactError(GreenfieldError):
    """An artifact is missing, has another digest than its lock, or can't be had."""


class LabError(GreenfieldError):
    """The local lab could not do what was asked."""


class ConfigureError(GreenfieldError):
    """A host could not be configured.

    Attributes:
        host: name of the host, or empty when the run itself failed.
        task: the Ansible task that failed, or empty.
        log: path of the full log, or empty.
    """

    def __init__(self, message: str, *, fix: str = "", host: str = "", task: str = "", log: str = "") -> None:
        super().__init__(message, fix=fix)
        self.host = host
        self.task = task
        self.log = log


class InterruptedRunError(ConfigureError):
    """Ansible was ended in the middle, at the user's wish; what its hosts have is not known until the next run."""


class ProviderError(GreenfieldError):
    """A resource could not be created, updated, read or deleted."""


class VerifyError(GreenfieldError):
    """Acceptance could not be judged (which is neither a pass nor a fail)."""

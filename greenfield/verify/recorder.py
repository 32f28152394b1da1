"""Keeps the evidence of the check that is running, and keeps secrets out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from greenfield.verify.results import Evidence
from greenfield.verify.session import Answer

EXCERPT = 4000
"""Characters kept of one stream: enough to judge by, little enough for one page."""

PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


class Recorder:
    """Collects what one check ran and measured. One check runs at a time."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()
        self.start()

    def start(self) -> None:
        """Begin a check with nothing on record."""
        self.evidence: list[Evidence] = []
        self.figures: dict[str, float] = {}
        self.notes: list[str] = []

    def keep_secret(self, values: Iterable[str]) -> None:
        """Never let these words into evidence or messages."""
        known = {*self._secrets, *(value for value in values if len(value) >= 6)}
        self._secrets = tuple(sorted(known, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """The text without any known secret or private key."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return PRIVATE_KEY.sub("[private key]", text)

    def command(self, host: str, command: str, rc: int, answer: Answer) -> None:
        """Put one command on record; ``rc`` is what the check is told."""
        self.evidence.append(
            Evidence(
                host=host,
                command=self.clean(command),
                rc=rc,
                stdout=self._excerpt(answer.stdout),
                stderr=self._excerpt(answer.stderr),
                started=datetime.fromtimestamp(answer.started, UTC).isoformat(timespec="milliseconds"),
                seconds=round(answer.seconds, 4),
                ahead=answer.ahead,
            )
        )

    def figure(self, name: str, value: float) -> None:
        """Put a measurement on record, in base units named by the figure (``recovery_seconds``)."""
        self.figures[name] = round(value, 6)

    def note(self, text: str) -> None:
        """Tell the reader something of the evidence; said once."""
        if text not in self.notes:
            self.notes.append(text)

    def _excerpt(self, data: bytes) -> str:
        text = self.clean(data.decode(errors="replace")).rstrip("\n")
        if len(text) <= EXCERPT:
            return text
        half = EXCERPT // 2
        return f"{text[:half]}\n… {len(text) - EXCERPT} characters left out …\n{text[-half:]}"

"""Entry point of ``greenfield``: registers the commands and turns errors into words and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
import traceback

from greenfield.cli.app import app, err
from greenfield.errors import GreenfieldError

COMMANDS: tuple[str, ...] = (
    "init",
    "validate",
    "plan",
    "schema",
    "mirror",
    "lab",
    "roles",
    "up",
    "enroll",
    "probe",
    "verify",
    "controls",
    "demo",
)
"""Modules of ``greenfield.cli`` that register commands on import, in the order ``--help`` shows them."""


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 refused or not accepted, 2 could not be judged or wrong usage."""
    for name in COMMANDS:
        importlib.import_module(f"greenfield.cli.{name}")
    try:
        app()
    except GreenfieldError as error:
        if os.environ.get("GREENFIELD_DEBUG"):
            traceback.print_exc()
        err.print(f"[red]error:[/red] {error}", markup=True)
        sys.exit(1)

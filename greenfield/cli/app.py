"""The Typer application and what every command shares: consoles and how errors reach a person."""

from __future__ import annotations

import typer
from rich.console import Console

app = typer.Typer(
    name="greenfield",
    help="From a validated spec of a new data-centre cluster to accepted capacity.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

out = Console(highlight=False, soft_wrap=True)
"""Results go here (standard output)."""

err = Console(stderr=True, highlight=False, soft_wrap=True)
"""Progress and errors go here (standard error)."""

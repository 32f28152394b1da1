"""Writes everything a run leaves behind into one folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from greenfield.errors import VerifyError
from greenfield.plan import Plan
from greenfield.report.html import html
from greenfield.report.junit import junit
from greenfield.report.statement import sign
from greenfield.verify.results import RunResult


@dataclass(frozen=True, slots=True)
class Files:
    """Where each part lies."""

    html: Path
    junit: Path
    json: Path
    statement: Path


def write(run: RunResult, plan: Plan, folder: Path, key: Path) -> Files:
    """Write the report, JUnit, JSON and the statement signed with ``key`` (made on first use).

    Raises:
        VerifyError: the folder can't be written to, or the key can't be used.
    """
    name = run.identity.cluster
    files = Files(
        folder / f"{name}.html", folder / f"{name}.xml", folder / f"{name}.json", folder / f"{name}.intoto.json"
    )
    results = json.dumps(run.to_json(), indent=1).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.json.write_bytes(results)
        files.junit.write_bytes(junit(run))
        files.html.write_text(html(run, plan), encoding="utf-8")
        files.statement.write_bytes(sign(run, results, key))
    except OSError as error:
        raise VerifyError(f"{error.filename or folder}: {error.strerror}", fix="name another --output") from error
    return files

"""One thing wrong with a spec, found at a place and with a way to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SpecPath = tuple[str | int, ...]
"""Place in a spec: ``(kind, metadata.name, *keys)``, ``("Cluster", "orders", "spec", "engines", "kv", "members")``.

A row of a CSV named by ``hostsFrom`` is ``("Site", site, "hosts", host_name, column)``, the same as an inline host.
"""


@dataclass(frozen=True, slots=True)
class Problem:
    """One error or warning.

    Attributes:
        path: place in the spec; ``greenfield.spec`` resolves it to file, line and column.
        message: what is wrong, with the names and numbers concerned.
        fix: what to do about it; may be empty for the obvious.
        rule: stable short identifier (kebab-case, e.g. ``duplicate-address``), the SARIF rule id.
        severity: an error stops; a warning does not.
    """

    path: SpecPath
    message: str
    fix: str = ""
    rule: str = "spec"
    severity: Literal["error", "warning"] = "error"

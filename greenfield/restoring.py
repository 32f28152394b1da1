"""Which engines begin anew from a snapshot in this run: said once, by name, never kept in a spec or a state.

A restore is an event. Standing in a spec, it would one day put old data in place of new.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from greenfield.errors import GreenfieldError

VARIABLE = "GREENFIELD_RESTORE"
"""``ENGINE=FILE``, several separated by commas. ``greenfield up --restore`` sets it; a program's user may."""


def wanted(environment: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """The snapshot file, absolute, of each engine that is named.

    Raises:
        GreenfieldError: the words name no engine or no readable file that holds something.
    """
    found: dict[str, Path] = {}
    for word in filter(None, (each.strip() for each in environment.get(VARIABLE, "").split(","))):
        engine, sign, name = word.partition("=")
        if not sign or not engine or not name:
            raise GreenfieldError(
                f"{word!r} does not say what to restore from where",
                fix="ENGINE=FILE, e.g. --restore platform=backups/platform.db",
            )
        path = Path(name).expanduser().resolve()
        if not path.is_file() or not os.access(path, os.R_OK) or not path.stat().st_size:
            raise GreenfieldError(
                f"{path} is no snapshot that could be read", fix="name a file that a snapshot timer wrote"
            )
        found[engine] = path
    return found


def check(restorable: Collection[str], engines: Collection[str], environment: Mapping[str, str] = os.environ) -> None:
    """Refuse names that nothing would come of.

    Args:
        restorable: engines of the cluster that can begin from a snapshot.
        engines: all engines of the cluster.

    Raises:
        GreenfieldError: as ``wanted``, or an engine is unknown or can't begin from a snapshot.
    """
    for engine in wanted(environment):
        if engine not in engines:
            raise GreenfieldError(
                f"there is no engine {engine} to restore", fix=f"name one of {', '.join(sorted(restorable)) or 'none'}"
            )
        if engine not in restorable:
            raise GreenfieldError(
                f"engine {engine} can't begin from a snapshot in a delivery",
                fix="follow its procedure in docs/engines",
            )

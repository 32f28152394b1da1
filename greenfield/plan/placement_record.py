"""What stands: which hosts a pool has and which host a member has, kept beside the spec and reviewed like code."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greenfield.errors import PlanError

if TYPE_CHECKING:
    from greenfield.plan.plan import Plan

FORMAT = 1
"""Version of the file's form; a newer one is refused instead of being misread."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Hosts of each pool in the order they were chosen, and of each engine the host of each member."""

    pools: Mapping[str, tuple[str, ...]]
    engines: Mapping[str, Mapping[str, str]]


EMPTY = Placement({}, {})
"""Nothing stands yet."""


def placement_of(plan: Plan) -> Placement:
    """The record of a plan."""
    engines: dict[str, dict[str, str]] = {name: {} for name in plan.cluster.engines}
    for member in plan.members:
        engines[member.engine][member.slot.name] = member.host
    return Placement(dict(plan.pools), engines)


def placement_path(folder: Path, cluster: str) -> Path:
    """Where the record of a cluster lies: ``<cluster>.placement.json`` in the spec's folder."""
    return folder / f"{cluster}.placement.json"


def load_placement(folder: Path, cluster: str) -> Placement | None:
    """The record of a cluster, or ``None`` when nothing has been recorded.

    Raises:
        PlanError: the file can't be read as a record of this cluster.
    """
    path = placement_path(folder, cluster)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}", fix="make the file readable") from error
    try:
        return _parse(json.loads(text), cluster)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PlanError(
            f"{path} is not a placement record of cluster {cluster}: {error}",
            fix="restore it from version control; without it members of running engines could be placed anew",
        ) from error


def save_placement(folder: Path, plan: Plan) -> bool:
    """Write the record of a plan, atomically. Returns whether the file changed.

    Raises:
        PlanError: the folder can't be written to.
    """
    path = placement_path(folder, plan.cluster.name)
    text = _dump(placement_of(plan), plan.cluster.name)
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return False
        _write(path, text)
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}", fix="make the spec's folder writable") from error
    return True


def _write(path: Path, text: str) -> None:
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes 0600; the record is reviewed like code, so it is as readable as code.
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def _dump(placement: Placement, cluster: str) -> str:
    record = {
        "format": FORMAT,
        "cluster": cluster,
        "pools": {name: list(hosts) for name, hosts in placement.pools.items()},
        "engines": {name: dict(members) for name, members in placement.engines.items()},
    }
    return json.dumps(record, indent=2) + "\n"


def _parse(record: Any, cluster: str) -> Placement:
    if record["format"] != FORMAT:
        raise ValueError(f"format {record['format']}, this version reads {FORMAT}")
    if record["cluster"] != cluster:
        raise ValueError(f"it belongs to cluster {record['cluster']}")
    return Placement(
        {str(name): tuple(str(host) for host in hosts) for name, hosts in record["pools"].items()},
        {
            str(name): {str(member): str(host) for member, host in members.items()}
            for name, members in record["engines"].items()
        },
    )

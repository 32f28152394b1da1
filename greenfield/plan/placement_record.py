"""What stands: which hosts a pool has, which host a member has, and of which versions engines are.

It is kept beside the spec and reviewed like code. The program of a run writes where everything goes before anything is
touched; what is of which version is written as it comes to pass: a version is added once a run begins to change hosts,
and those before it go when the engine is formed with all its members. So a run that was stopped in between leaves both.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greenfield.engines.version_path import parse
from greenfield.errors import PlanError

if TYPE_CHECKING:
    from greenfield.plan.plan import Plan

FORMAT = 1
"""Version of the file's form; a newer one is refused instead of being misread."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What stands.

    Attributes:
        pools: hosts of each pool in the order they were chosen.
        engines: of each engine the host of each member.
        versions: of each engine that is deployed the versions that its members may be on: one, or several where an
            upgrade is not finished. An engine of a record that was written before versions were is not in it.
        released: engines whose names were typed under ``wipe``, so that they may be taken out of the spec.
        leaving: of each engine the hosts that it no longer has by the plan, but has not left yet.
    """

    pools: Mapping[str, tuple[str, ...]]
    engines: Mapping[str, Mapping[str, str]]
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    released: frozenset[str] = frozenset()
    leaving: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def anew(self, engines: Collection[str]) -> Placement:
        """The same without versions of engines that begin anew: nothing is left of them to be too old or too new."""
        return replace(self, versions={name: known for name, known in self.versions.items() if name not in engines})

    def left_by(self, engines: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
        """Hosts that deployed engines leave, by engine, where their members have these hosts from now on.

        An engine that was never deployed has nothing to take away.
        """
        found: dict[str, tuple[str, ...]] = {}
        for name in sorted({*self.engines, *self.leaving}):
            deployed = self.engines.get(name, {}).values() if name in self.versions else ()
            left = {*self.leaving.get(name, ()), *deployed}.difference(engines.get(name, {}).values())
            if left:
                found[name] = tuple(sorted(left))
        return found

    def without_leaving(self, hosts: Collection[str], engine: str = "") -> Placement:
        """The same once an engine has left hosts; by default, once all have."""
        rest = {
            name: tuple(each for each in held if each not in hosts or engine not in ("", name))
            for name, held in self.leaving.items()
        }
        return replace(self, leaving={name: held for name, held in rest.items() if held})

    def has_left_since(self, before: Placement) -> bool:
        """Whether an engine has left a host since an earlier record."""
        left = before.left_by(self.engines)
        return any(set(hosts).difference(self.leaving.get(name, ())) for name, hosts in left.items())


EMPTY = Placement({}, {})
"""Nothing stands yet."""


def placement_of(plan: Plan) -> Placement:
    """The record of a plan, without versions: a plan does not know what came to pass."""
    engines: dict[str, dict[str, str]] = {name: {} for name in plan.cluster.engines}
    for member in plan.members:
        engines[member.engine][member.slot.name] = member.host
    released = frozenset(name for name, engine in plan.cluster.engines.items() if name in engine.wipe)
    return Placement(dict(plan.pools), engines, released=released, leaving=plan.leaving)


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
    """Write where a plan puts everything; versions of engines that it keeps stay. Returns whether the file changed.

    Raises:
        PlanError: the folder can't be written to, or what is there is no record of this cluster.
    """
    made = placement_of(plan)

    def kept(standing: Placement | None) -> Placement:
        versions = standing.versions if standing else {}
        return replace(made, versions={name: versions[name] for name in made.engines if name in versions})

    return _update(folder, plan.cluster.name, kept)


def record_begin(folder: Path, cluster: str, engine: str, version: str) -> None:
    """Enter that members of an engine are about to be brought to a version, beside those they are on.

    Raises:
        PlanError: as ``save_placement``.
    """

    def begun(standing: Placement | None) -> Placement | None:
        known = standing.versions.get(engine, ()) if standing else ()
        both = tuple(dict.fromkeys((*known, version)))
        return standing and replace(standing, versions={**standing.versions, engine: both})

    _update(folder, cluster, begun)


def record_formed(folder: Path, cluster: str, engine: str, version: str) -> None:
    """Enter that all members of an engine are on a version.

    Raises:
        PlanError: as ``save_placement``.
    """

    def formed(standing: Placement | None) -> Placement | None:
        return standing and replace(standing, versions={**standing.versions, engine: (version,)})

    _update(folder, cluster, formed)


def record_left(folder: Path, cluster: str, engine: str, hosts: Collection[str]) -> None:
    """Enter that an engine has left hosts.

    Raises:
        PlanError: as ``save_placement``.
    """
    _update(folder, cluster, lambda standing: standing and standing.without_leaving(hosts, engine))


def record_settled(folder: Path, cluster: str, quarantine: Collection[str] = ()) -> None:
    """Enter that all has left what it was to leave, but for hosts in quarantine: a run left nothing else to be done.

    Raises:
        PlanError: as ``save_placement``.
    """

    def settled(standing: Placement | None) -> Placement | None:
        hosts = {host for each in standing.leaving.values() for host in each} if standing else set()
        return standing and standing.without_leaving(hosts.difference(quarantine))

    _update(folder, cluster, settled)


def record_gone(folder: Path, cluster: str) -> None:
    """Enter that nothing of a cluster is deployed any more; where it stood is kept for the next time.

    Raises:
        PlanError: as ``save_placement``.
    """
    nothing: dict[str, Any] = {"versions": {}, "released": frozenset(), "leaving": {}}
    _update(folder, cluster, lambda standing: standing and replace(standing, **nothing))


def _update(folder: Path, cluster: str, change: Callable[[Placement | None], Placement | None]) -> bool:
    """Read, change and write a record while nobody else does: program and plugin of a run are two processes."""
    path = placement_path(folder, cluster)
    try:
        with _alone(folder):
            changed = change(load_placement(folder, cluster))
            if changed is None:
                return False
            text = _dump(changed, cluster)
            if path.is_file() and path.read_text(encoding="utf-8") == text:
                return False
            _write(path, text)
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}", fix="make the spec's folder writable") from error
    return True


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # NFS locks no folder. Two writes at one moment are rare, and none leaves half a record.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


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
    record: dict[str, Any] = {
        "format": FORMAT,
        "cluster": cluster,
        "pools": {name: list(hosts) for name, hosts in placement.pools.items()},
        "engines": {name: dict(members) for name, members in placement.engines.items()},
    }
    if placement.versions:
        record["versions"] = {name: list(placement.versions[name]) for name in sorted(placement.versions)}
    if placement.released:
        record["released"] = sorted(placement.released)
    if placement.leaving:
        record["leaving"] = {name: list(placement.leaving[name]) for name in sorted(placement.leaving)}
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
        {str(name): _versions(known) for name, known in record.get("versions", {}).items()},
        frozenset(str(name) for name in record.get("released", ())),
        {str(name): tuple(str(host) for host in hosts) for name, hosts in record.get("leaving", {}).items()},
    )


def _versions(known: Any) -> tuple[str, ...]:
    if not isinstance(known, list) or not known:
        raise ValueError(f"versions {known!r}, expected a list of them")
    found = tuple(str(version) for version in known)
    for version in found:
        parse(version)
    return found

"""What roles are told of the artifact lock, which the plan does not know."""

from __future__ import annotations

from typing import Any

from greenfield.artifacts.lock import Lock
from greenfield.artifacts.place import registry_url
from greenfield.engines import ENGINES
from greenfield.model.cluster import EngineSpec


def host_facts(lock: Lock | None) -> dict[str, Any]:
    """For the host layer: the key of the mirror's repository, and a digest of what hosts install.

    Raises:
        GreenfieldError: the lock holds nothing for hosts.
    """
    return {
        "baseline_apt_key": lock.apt_key if lock else "",
        "baseline_artifacts": lock.digest_of(["host"]) if lock else "",
    }


def engine_facts(lock: Lock | None, spec: EngineSpec, mirror_url: str) -> dict[str, Any]:
    """For an engine's role: files to fetch, and where images come from; nothing without a lock.

    Raises:
        GreenfieldError: the lock does not hold what the engine's version needs.
    """
    if lock is None:
        return {}
    kind = ENGINES[spec.kind]
    names = kind.artifacts(spec.version)
    found: dict[str, Any] = {}
    if kind.fetches_files:
        found[f"{kind.role}_files"] = [file for name in names for file in lock.files_of(name, mirror_url)]
    images = lock.images_of(names)
    if images:
        found |= {
            f"{kind.role}_images": [f"{image['name']}@{image['digest']}" for image in images],
            "containerd_registry_url": registry_url(mirror_url),
            "containerd_registry_certificate": lock.registry_certificate,
        }
    return found

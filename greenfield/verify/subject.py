"""What is to be judged: a spec, its plan, and the standard the cluster names."""

from __future__ import annotations

import getpass
import hashlib
import json
import platform
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from greenfield.errors import VerifyError
from greenfield.model.cluster import Cluster
from greenfield.model.site import Site
from greenfield.model.standard import Standard
from greenfield.plan import HOST_LAYER, Plan, load_placement, make_plan
from greenfield.plan.desired import host_layer_common, host_variables
from greenfield.spec import Spec, load
from greenfield.verify.results import Identity


@dataclass(frozen=True)
class Subject:
    """A cluster as its spec says it stands."""

    spec: Spec
    path: Path
    site: Site
    cluster: Cluster
    plan: Plan
    standard: Standard

    @classmethod
    def of(cls, path: Path, cluster_name: str | None = None) -> Subject:
        """Load and plan a spec.

        Raises:
            SpecError: the spec is wrong, can't be planned, or names no such cluster or standard.
        """
        spec = load([path])
        cluster, site = spec.cluster(cluster_name)
        standing = load_placement(spec.folder, cluster.name)
        return cls(spec, path, site, cluster, make_plan(site, cluster, standing), spec.standards[cluster.standard])

    @cached_property
    def desired(self) -> Mapping[str, Mapping[str, Any]]:
        """Variables of the host layer, by host: what its roles were told, secrets and artifacts apart."""
        common = host_layer_common(self.plan)
        return {
            host: {**common, **host_variables(self.plan, cell, host)}
            for cell in self.plan.cells
            if cell.layer == HOST_LAYER
            for host in cell.hosts
        }

    @property
    def addresses(self) -> dict[str, str]:
        """Each host of the cluster and where it answers."""
        return {name: host.host.address for name, host in self.plan.hosts.items()}

    def identity(self, started: datetime, backend: str, selection: tuple[str, ...]) -> Identity:
        """Who judged what, with the digests that bind the result to it."""
        standard = json.dumps(asdict(self.standard), sort_keys=True).encode()
        return Identity(
            site=self.site.name,
            cluster=self.cluster.name,
            spec=str(self.path),
            spec_digest=self.spec.digest,
            standard=self.standard.name,
            standard_digest=hashlib.sha256(standard).hexdigest(),
            versions={
                "greenfield": version("greenfield"),
                "testinfra": version("pytest-testinfra"),
                "python": platform.python_version(),
                **{name: f"{engine.kind} {engine.version}" for name, engine in self.cluster.engines.items()},
            },
            started=started.isoformat(timespec="seconds"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            by=f"{_user()}@{socket.gethostname()}",
            backend=backend,
            selection=selection,
        )


def read_secrets(path: Path) -> dict[str, Any]:
    """Secrets from a JSON file that only its owner may read.

    Raises:
        VerifyError: the file can't be read, or others may read it too.
    """
    try:
        mode = path.stat().st_mode
        if mode & 0o077:
            raise VerifyError(f"{path} may be read by others (mode {mode & 0o777:04o})", fix=f"chmod 600 {path}")
        secrets = json.loads(path.read_text())
    except OSError as error:
        raise VerifyError(f"{path}: {error.strerror}", fix="name a readable JSON file of secrets") from error
    except ValueError as error:
        raise VerifyError(f"{path} is not JSON: {error}", fix="an object, e.g. of engine name to passwords") from error
    if not isinstance(secrets, dict):
        raise VerifyError(f"{path} holds no JSON object", fix="an object, e.g. of engine name to passwords")
    return secrets


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"

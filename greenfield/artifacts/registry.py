"""The registry that serves a mirror's images: Distribution's, over TLS, read-only, on the registry's storage."""

from __future__ import annotations

import filecmp
from collections.abc import Iterable
from pathlib import Path

from greenfield.artifacts import toolchain
from greenfield.artifacts.authority import Authority
from greenfield.artifacts.lock import Lock
from greenfield.artifacts.place import mirror_dir, state_dir
from greenfield.artifacts.registry_layout import AREA, ROOT, check_names
from greenfield.artifacts.store import Progress, place_file
from greenfield.errors import ArtifactError

PORT = 5000
"""Where hosts expect the registry, on the mirror's address."""

CONFIGURATION = """# Written by greenfield mirror serve. Certificate {fingerprint}
version: 0.1
log:
  level: error
  accesslog: {{disabled: true}}
storage:
  filesystem: {{rootdirectory: {root}}}
  # Hosts read; nothing else. What is there was put there by greenfield mirror sync.
  maintenance:
    readonly: {{enabled: true}}
    uploadpurging: {{enabled: false}}
http:
  addr: "{listen}"
  # Of uploads alone, which there are none of.
  secret: read-only
  tls:
    certificate: {certificate}
    key: {key}
    minimumtls: tls1.2
"""

START = 'echo $$ >"$1"; exec env -i OTEL_TRACES_EXPORTER=none OTEL_METRICS_EXPORTER=none "$2" serve "$3"'
"""Leaves a pid file, as nginx does; nothing of the caller's environment can change the configuration."""


def prepare(lock: Lock, progress: Progress) -> None:
    """Have what serving the lock's images needs: the program, beside the authority, so that both move together.

    Raises:
        ArtifactError: the lock's authority is not here, two images share a name, or the registry can't be built.
    """
    check_names(lock)
    authority = Authority(lock.site)
    if authority.certificate(create=False) != lock.registry_certificate:
        raise ArtifactError(
            f"the lock of site {lock.site} names an authority for its registry that is not on this workstation",
            fix=f"bring {authority.home} from the machine that made the lock, or: "
            "greenfield mirror lock SPEC --new-key",
        )
    built = toolchain.build("registry", progress=lambda words: progress(words, 0, 0)) / "registry"
    place = _program(lock.site)
    if not (place.exists() and (place.samefile(built) or filecmp.cmp(place, built, shallow=False))):
        place_file(built, place)
        place.chmod(0o755)


def is_needed(site: str) -> bool:
    """Whether a site's mirror holds images."""
    return (mirror_dir(site) / ROOT).is_dir()


def configuration(site: str, listen: str, names: Iterable[str]) -> str:
    """The registry's configuration, with a certificate for ``names`` made when there is none that fits.

    Raises:
        ArtifactError: this workstation does not hold the registry's authority.
    """
    server = Authority(site).server(names)
    root = mirror_dir(site) / AREA
    return CONFIGURATION.format(
        fingerprint=server.fingerprint, root=root, listen=listen, certificate=server.certificate, key=server.key
    )


def command(site: str, state: Path) -> tuple[str, ...]:
    """What runs the registry on ``state/registry.conf``; its pid is in ``state/registry.pid``."""
    return (
        *("sh", "-c", START, "sh"),
        *(str(state / "registry.pid"), str(_program(site)), str(state / "registry.conf")),
    )


def _program(site: str) -> Path:
    return state_dir(site) / "registry" / "registry-server"

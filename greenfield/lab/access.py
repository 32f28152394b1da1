"""Keys: the workstation's for logging in, each host's own, and the file that pins them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from greenfield.errors import LabError
from greenfield.lab.command import run
from greenfield.model.site import Host, Site


@dataclass(frozen=True, slots=True)
class Identity:
    """The key that the workstation logs in with. ``public_key`` is its line for authorized_keys."""

    private_key: Path
    public_key: str


def ensure_identity(site: Site) -> Identity:
    """The key at the site's ``access.identity_file``, made if it is missing.

    Raises:
        LabError: the site names no identity file.
    """
    if not site.access.identity_file:
        raise LabError(
            f"site {site.name} has no access.identityFile, so the lab can't let anyone in",
            fix="add identityFile to access, e.g. .access/id_ed25519",
        )
    private = Path(site.access.identity_file)
    if not private.exists():
        private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _keygen(private, f"greenfield-{site.name}")
    return Identity(private, run(["ssh-keygen", "-y", "-f", str(private)]).strip())


def ensure_host_key(folder: Path, host: str) -> Path:
    """The host's own key, kept in its folder and made if it is missing."""
    key = folder / "ssh_host_ed25519_key"
    if not key.with_suffix(".pub").exists():
        folder.mkdir(parents=True, exist_ok=True)
        key.unlink(missing_ok=True)
        _keygen(key, host)
    return key


def pin(site: Site, keys: Mapping[str, str]) -> None:
    """Write each host's public key (by host name) into the site's known_hosts; other lines stay."""
    wanted = [
        f"{','.join(_patterns(site, site.hosts[name]))} {' '.join(key.split()[:2])}" for name, key in keys.items()
    ]
    _rewrite(site, wanted)


def unpin(site: Site) -> None:
    """Take the site's hosts out of its known_hosts; other lines stay."""
    if Path(site.access.known_hosts).exists():
        _rewrite(site, [])


def _rewrite(site: Site, wanted: list[str]) -> None:
    path = Path(site.access.known_hosts)
    ours = {pattern for host in site.hosts.values() for pattern in _patterns(site, host)}
    before = path.read_text() if path.exists() else ""
    kept = [line for line in before.splitlines() if not ours & set((line.split() or [""])[0].split(","))]
    after = "".join(f"{line}\n" for line in [*kept, *wanted])
    if after != before:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(after)


def _patterns(site: Site, host: Host) -> list[str]:
    names = [host.name, f"{host.name}.{site.domain}", host.address]
    return names if site.access.port == 22 else [f"[{name}]:{site.access.port}" for name in names]


def _keygen(path: Path, comment: str) -> None:
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])

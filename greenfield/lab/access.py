"""Keys: the workstation's for logging in, each host's own, and the file that pins them."""

from __future__ import annotations

import os
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
        _folder(private.parent)
        _keygen(private, f"greenfield-{site.name}")
        for path in (private, private.with_name(f"{private.name}.pub")):
            _give_away(path)
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
        _folder(path.parent)
        path.write_text(after)
        _give_away(path)


def _patterns(site: Site, host: Host) -> list[str]:
    names = [host.name, f"{host.name}.{site.domain}", host.address]
    return names if site.access.port == 22 else [f"[{name}]:{site.access.port}" for name in names]


def _folder(path: Path) -> None:
    """Make a folder for keys, unless it is there."""
    if not path.exists():
        path.mkdir(parents=True, mode=0o700)
        _give_away(path)


def _give_away(path: Path) -> None:
    """The lab runs as root; what it writes into a user's folder is to be that user's."""
    owner = path.parent.stat()
    os.chown(path, owner.st_uid, owner.st_gid)


def _keygen(path: Path, comment: str) -> None:
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])

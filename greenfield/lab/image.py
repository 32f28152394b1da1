"""What makes an overlay of the base tree one particular host."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from greenfield.errors import LabError
from greenfield.lab import kernel_view
from greenfield.lab.access import ensure_host_key
from greenfield.lab.command import run
from greenfield.model.site import Host, Site

UNIT_NAME = "greenfield-lab.service"
MASKED = ("systemd-ask-password-console.path", "systemd-ask-password-wall.path")
"""Nobody types a passphrase here, and each takes one of the few inotify instances that all hosts share."""


def personalise(root: Path, site: Site, host: Host, folder: Path) -> None:
    """Write name, identity, host key, the site's user and the lab's own unit into a fresh tree at ``root``."""
    etc = root / "etc"
    (etc / "hostname").write_text(f"{host.name}\n")
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {host.name}.{site.domain} {host.name}\n")
    # A machine id is the hardware's, so a host keeps it when it is set up anew.
    (etc / "machine-id").write_text(uuid.uuid5(uuid.NAMESPACE_DNS, f"{host.serial}.{host.name}.{site.domain}").hex)
    key = ensure_host_key(folder, host.name)
    shutil.copyfile(key, etc / "ssh/ssh_host_ed25519_key")
    (etc / "ssh/ssh_host_ed25519_key").chmod(0o600)
    shutil.copyfile(key.with_suffix(".pub"), etc / "ssh/ssh_host_ed25519_key.pub")
    if site.access.port != 22:
        (etc / "ssh/sshd_config.d/port.conf").write_text(f"Port {site.access.port}\n")
    user = site.access.user
    if user != "root":
        run(["useradd", f"--root={root}", "--create-home", "--user-group", "--shell=/bin/bash", user])
        rule = etc / "sudoers.d" / user
        rule.write_text(f"{user} ALL=(ALL:ALL) NOPASSWD: ALL\n")
        rule.chmod(0o440)
    _lab_unit(etc)


def authorise(root: Path, user: str, public_key: str) -> None:
    """Let the holder of a key in as ``user``; does nothing when it is so."""
    account = _account(root, user)
    folder = root / account.home.lstrip("/") / ".ssh"
    keys = folder / "authorized_keys"
    if keys.exists() and public_key in keys.read_text().splitlines():
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    with keys.open("a") as file:
        file.write(f"{public_key}\n")
    keys.chmod(0o600)
    for path in (folder, keys):
        os.chown(path, account.uid, account.gid)


class _Account:
    def __init__(self, line: str) -> None:
        fields = line.split(":")
        self.uid, self.gid, self.home = int(fields[2]), int(fields[3]), fields[5]


def _account(root: Path, user: str) -> _Account:
    for line in (root / "etc/passwd").read_text().splitlines():
        if line.startswith(f"{user}:"):
            return _Account(line)
    raise LabError(f"{root} has no user {user}", fix="greenfield lab down, then up")


def _lab_unit(etc: Path) -> None:
    system = etc / "systemd/system"
    (system / UNIT_NAME).write_text(kernel_view.UNIT)
    for unit in MASKED:
        (system / unit).symlink_to("/dev/null")
    wants = system / "sysinit.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / UNIT_NAME).symlink_to(f"/etc/systemd/system/{UNIT_NAME}")

"""The one Debian tree that every lab host is an overlay of; built once and kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from greenfield.artifacts.apt_root import AptRoot
from greenfield.errors import LabError
from greenfield.lab.command import run
from greenfield.lab.mount import remove_folder

SUITE = "bookworm"
APT = Path("/etc/apt")
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "python3-minimal", "python3-apt", "openssh-server", "sudo", "iproute2",
    "ca-certificates", "procps", "kmod", "iptables", "gpgv",
)  # fmt: skip
RECIPE = "3"
"""Raised when ``_update`` or ``_finish`` change, so that old trees are not used."""

SAY_SECONDS = 5.0
UPDATE_SECONDS = 600.0

Say = Callable[[str], None]


def cache_dir() -> Path:
    """Where trees are kept: ``lab`` below ``GREENFIELD_CACHE_DIR`` (default ``~/.cache/greenfield``)."""
    base = os.environ.get("GREENFIELD_CACHE_DIR")
    return (Path(base) if base else Path.home() / ".cache" / "greenfield") / "lab"


def tree_path() -> Path:
    """Place of the tree that this version of the lab uses, whether it exists or not."""
    key = hashlib.sha256("\0".join((RECIPE, SUITE, *PACKAGES)).encode()).hexdigest()[:12]
    return cache_dir() / f"{SUITE}-{key}"


def ensure_tree(say: Say) -> Path:
    """Return the tree, building it first (about a minute) when the cache has none.

    Raises:
        LabError: debootstrap failed; carries its last lines.
        ArtifactError: updates can't be fetched.
    """
    tree = tree_path()
    if tree.exists():
        return tree
    # Built beside its place and renamed when whole, so that a killed build is never taken for a tree.
    building = tree.with_name(f"{tree.name}.{os.getpid()}.building")
    for left in tree.parent.glob(f"{tree.name}.*.building"):
        if not Path(f"/proc/{left.name.split('.')[-2]}").exists():
            remove_folder(left)
    building.parent.mkdir(parents=True, exist_ok=True)
    try:
        _debootstrap(building, say)
        _update(building, say)
        _finish(building)
        if not tree.exists():
            building.rename(tree)
    finally:
        remove_folder(building)
    return tree


def _debootstrap(target: Path, say: Say) -> None:
    argv = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(target), _upstream()]
    say(f"building the base system (Debian {SUITE}, once, about a minute)")
    last: deque[str] = deque(maxlen=5)
    stage, said = "", 0.0
    try:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    except FileNotFoundError as error:
        raise LabError("debootstrap is not installed", fix="apt-get install debootstrap") from error
    with process:
        for line in process.stdout or ():
            last.append(line.strip())
            words = line.removeprefix("I: ").split()
            if line.startswith("I: ") and words and (words[0] != stage or time.monotonic() > said + SAY_SECONDS):
                stage, said = words[0], time.monotonic()
                say(f"base system: {' '.join(words)[:70]}")
    if process.returncode != 0:
        raise LabError(f"debootstrap failed: {' / '.join(last)}", fix=f"check that {_upstream()} is reachable")


def _update(tree: Path, say: Say) -> None:
    """Install what the release was mended with since, as on a host that is installed from the network.

    Else every delivery would do that on every host: 7 s of CPU each for the certificates of authorities alone.
    """
    say("base system: updates")
    place = tree / "var/cache/apt/archives"
    place.mkdir(parents=True, exist_ok=True)
    root = AptRoot(SUITE, run(["dpkg", "--print-architecture"]).strip())
    packages = root.updates(tree / "var/lib/dpkg/status", place)
    if not packages:
        return
    inside = ["env", "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "chroot", str(tree)]
    # apt, because dpkg alone does not heed which must be there before which.
    install = ["apt-get", "-qq", "-y", "-o", "APT::Sandbox::User=root", "install"]
    run([*inside, *install, *(f"/var/cache/apt/archives/{p.name}" for p in packages)], timeout_seconds=UPDATE_SECONDS)


def _finish(tree: Path) -> None:
    """Take out what must be each host's own, and what cannot work without a kernel of its own."""
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for name in ("etc/machine-id", "etc/hostname", "etc/resolv.conf", "etc/fstab"):
        (tree / name).unlink(missing_ok=True)
        (tree / name).touch()
    shutil.rmtree(tree / "var/cache/apt/archives", ignore_errors=True)
    (tree / "var/cache/apt/archives/partial").mkdir(parents=True)
    for left in (*(tree / "var/lib/apt/lists").glob("*_*"), *(tree / "var/cache/apt").glob("*.bin")):
        left.unlink()
    # No login on a console that nobody sees; no udev, whose devices are the machine's.
    run(["systemctl", f"--root={tree}", "mask", "console-getty.service", "getty@.service", "systemd-resolved.service"])
    # A hard limit above the machine's own can't be set here: such a login must not fail for it.
    for stack in (tree / "etc/pam.d").iterdir():
        text = stack.read_text()
        mended = "\n".join(
            line.replace("required", "optional", 1) if "pam_limits.so" in line else line for line in text.split("\n")
        )
        if mended != text:
            stack.write_text(mended)


def _upstream() -> str:
    """Where the machine's own package configuration gets this Debian release from.

    Raises:
        LabError: it names no source of the release.
    """
    for path in sorted((APT / "sources.list.d").glob("*.sources")):
        for stanza in path.read_text().split("\n\n"):
            fields = dict(re.findall(r"^(URIs|Suites):\s*(.+)$", stanza, re.MULTILINE))
            if SUITE in fields.get("Suites", "").split():
                return str(fields["URIs"]).split()[0]
    for path in [APT / "sources.list", *sorted((APT / "sources.list.d").glob("*.list"))]:
        text = path.read_text() if path.exists() else ""
        if found := re.search(rf"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+{SUITE}\s", text, re.MULTILINE):
            return found[1]
    raise LabError(f"no apt source of this machine serves Debian {SUITE}", fix=f"add one under {APT}/sources.list.d")

#!/usr/bin/python
"""Installs missing Debian packages without starting their services."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Installs missing Debian packages
description:
  - Asks dpkg first and runs apt-get only when something is missing. The package lists are fetched anew when the
    sources are newer than the last fetch, when that is older than C(lists_valid_seconds), and once more before a
    failed installation is given up.
  - Services of new packages are not started, because their configuration is written after. Nor is systemd told to
    read all its files anew after each package, a quarter of the time; C(greenfield.host.units) does that once.
options:
  names:
    description: Package names, each with C(=version) where one version is needed.
    type: list
    elements: str
    required: true
  content:
    description: Digest of what the mirror holds. When it differs from that of the last run, the packages are also
      brought to the mirror's versions.
    type: str
    default: ""
  lists_valid_seconds:
    description: Age at which package lists are fetched anew.
    type: int
    default: 600
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: Install chrony and nftables
  greenfield.host.packages:
    names: [chrony, nftables]
"""

RETURN = r"""
installed:
  description: What was (or in check mode would be) installed or brought to another version.
  type: list
  returned: always
"""

import contextlib
import glob
import hashlib
import os
import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils import files as host_files

POLICY = "/usr/sbin/policy-rc.d"
POLICY_TEXT = "#!/bin/sh\n# greenfield: services are not started while packages are installed\nexit 101\n"
NOTES = "/var/lib/greenfield/packages"
STAMP = "/run/greenfield/apt-lists"
INTERRUPTED = "dpkg --configure -a"
"""What apt tells to do when dpkg was interrupted."""
LOCK_SECONDS = 300
OPTIONS = [
    "-y",
    "-q",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "Dpkg::Options::=--force-unsafe-io",
    "-o",
    f"DPkg::Lock::Timeout={LOCK_SECONDS}",
    "-o",
    "Acquire::Retries=3",
    "-o",
    "Acquire::Languages=none",
]
ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_SUSPEND": "1",
    "UCF_FORCE_CONFFOLD": "1",
    # Packages' scripts call `systemctl daemon-reload` one by one; with this they leave PID 1 alone
    # (https://systemd.io/ENVIRONMENT). Enabling their units is deb-systemd-helper's, which writes links only.
    "SYSTEMD_OFFLINE": "1",
}


def versions(module, names):
    """Installed version of each named package; the absent ones are left out."""
    packages = [name.partition("=")[0] for name in names]
    # dpkg-query fails when one package is unknown but still lists the others.
    _, out, _ = module.run_command(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status} ${Version}\n", *packages])
    rows = [line.split(" ") for line in out.splitlines()]
    return {package: version for package, status, version in rows if status == "installed"}


def missing(names, present):
    """Those of the names that are not installed, or not in the wanted version."""
    wanted = [(name, *name.partition("=")[::2]) for name in names]
    return [
        name
        for name, package, version in wanted
        if present.get(package) is None or version not in ("", present[package])
    ]


def lists_are_fresh(valid_seconds):
    """Whether package lists were fetched after the last change of the sources and not long ago."""
    try:
        fetched = os.stat(STAMP).st_mtime
    except FileNotFoundError:
        return False
    sources = glob.glob("/etc/apt/sources.list") + glob.glob("/etc/apt/sources.list.d/*")
    changed = max((os.stat(path).st_ctime for path in sources), default=0.0)
    return fetched > changed and time.time() - fetched < valid_seconds


def apt(module, *arguments):
    """Run apt-get; fails the module with what it said last."""
    command = ["apt-get", *OPTIONS, *arguments]
    code, out, err = module.run_command(command, environ_update=ENVIRONMENT)
    return code == 0, "\n".join((out + "\n" + err).strip().splitlines()[-12:])


def update(module):
    """Fetch the package lists; fails the module when the mirror can't be read."""
    fine, said = apt(module, "-o", "APT::Update::Error-Mode=any", "update")
    if not fine:
        module.fail_json(msg=f"package lists could not be fetched from the mirror: {said}")
    os.makedirs(os.path.dirname(STAMP), exist_ok=True)
    with open(STAMP, "w", encoding="ascii"):
        os.utime(STAMP)


def finish_interrupted(module):
    """Let dpkg finish what it was at when its host or its run died; apt refuses to begin before that."""
    command = ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"]
    code, out, err = module.run_command(command, environ_update=ENVIRONMENT)
    if code:
        said = (out + err).strip()[-600:]
        module.fail_json(msg=f"packages that an interrupted run left half configured could not be finished: {said}")


@contextlib.contextmanager
def services_held():
    """Keep packages from starting services, as Debian's policy layer provides; also mends what a killed run left."""
    foreign = os.path.exists(POLICY)
    if foreign:
        with open(POLICY, encoding="utf-8", errors="replace") as file:
            foreign = file.read() != POLICY_TEXT
    if foreign:
        yield
        return
    with open(POLICY, "w", encoding="ascii") as file:
        file.write(POLICY_TEXT)
    os.chmod(POLICY, 0o755)
    try:
        yield
    finally:
        os.unlink(POLICY)


def install(module, names, fresh):
    """Install, with one more try after fetching the lists anew."""
    words = ("--no-install-recommends", "--allow-downgrades", "install", *names)
    if not fresh:
        update(module)
    with services_held():
        fine, said = apt(module, *words)
        # Not before: apt waits for the lock of a dpkg that still runs, and then it was not interrupted.
        if not fine and INTERRUPTED in said:
            finish_interrupted(module)
            fine, said = apt(module, *words)
        if not fine and fresh:
            update(module)
            fine, said = apt(module, *words)
    if not fine:
        module.fail_json(msg=f"could not install {', '.join(names)}: {said}")


def note_path(names):
    """Where the digest that these packages were last brought to is remembered."""
    return os.path.join(NOTES, hashlib.sha256(" ".join(sorted(names)).encode()).hexdigest()[:16])


def bring(module, names):
    """Install what is missing, and bring all to the mirror's versions when its content changed; what changed."""
    content = module.params["content"]
    before = versions(module, names)
    lacking = missing(names, before)
    stale = bool(content) and host_files.read(note_path(names)) != content.encode()
    if module.check_mode or not (lacking or stale):
        return lacking or (list(names) if stale else [])
    install(module, names if stale else lacking, not stale and lists_are_fresh(module.params["lists_valid_seconds"]))
    after = versions(module, names)
    if left := missing(names, after):
        module.fail_json(msg=f"apt-get succeeded but {', '.join(left)} is still missing")
    if content:
        host_files.replace(note_path(names), content.encode())
    return [name for name in names if before.get(name.partition("=")[0]) != after[name.partition("=")[0]]]


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "content": {"type": "str", "default": ""},
            "lists_valid_seconds": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    changed = bring(module, module.params["names"])
    module.exit_json(changed=bool(changed), installed=changed)


if __name__ == "__main__":
    main()

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
  - Services of new packages are not started, because their configuration is written after.
options:
  names:
    description: Package names, each with C(=version) where one version is needed.
    type: list
    elements: str
    required: true
  start_services:
    description: Let packages start their services.
    type: bool
    default: false
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
  description: What was (or in check mode would be) installed.
  type: list
  returned: always
"""

import contextlib
import glob
import os
import time

from ansible.module_utils.basic import AnsibleModule

POLICY = "/usr/sbin/policy-rc.d"
POLICY_TEXT = "#!/bin/sh\n# greenfield: services are not started while packages are installed\nexit 101\n"
STAMP = "/run/greenfield/apt-lists"
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


def missing(module, names):
    """Those of the names that are not installed, or not in the wanted version."""
    wanted = {}
    for name in names:
        package, _, version = name.partition("=")
        wanted[package] = version
    # dpkg-query fails when one package is unknown but still lists the others.
    _, out, _ = module.run_command(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status} ${Version}\n", *wanted])
    present = {}
    for line in out.splitlines():
        package, status, *version = line.split(" ")
        if status == "installed":
            present[package] = version[0] if version else ""
    return [
        name
        for name in names
        for package, _, version in [name.partition("=")]
        if package not in present or (version and present[package] != version)
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
    environment = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1", "UCF_FORCE_CONFFOLD": "1"}
    code, out, err = module.run_command(command, environ_update=environment)
    return code == 0, "\n".join((out + "\n" + err).strip().splitlines()[-12:])


def update(module):
    """Fetch the package lists; fails the module when the mirror can't be read."""
    fine, said = apt(module, "-o", "APT::Update::Error-Mode=any", "update")
    if not fine:
        module.fail_json(msg=f"package lists could not be fetched from the mirror: {said}")
    os.makedirs(os.path.dirname(STAMP), exist_ok=True)
    with open(STAMP, "w", encoding="ascii"):
        os.utime(STAMP)


@contextlib.contextmanager
def services_held(module):
    """Keep packages from starting services, as Debian's policy layer provides; also mends what a killed run left."""
    foreign = os.path.exists(POLICY)
    if foreign:
        with open(POLICY, encoding="utf-8", errors="replace") as file:
            foreign = file.read() != POLICY_TEXT
    if foreign or module.params["start_services"]:
        yield
        return
    with open(POLICY, "w", encoding="ascii") as file:
        file.write(POLICY_TEXT)
    os.chmod(POLICY, 0o755)
    try:
        yield
    finally:
        os.unlink(POLICY)


def install(module, names):
    """Install, with one more try after fetching the lists anew."""
    fresh = lists_are_fresh(module.params["lists_valid_seconds"])
    if not fresh:
        update(module)
    with services_held(module):
        fine, said = apt(module, "--no-install-recommends", "--allow-downgrades", "install", *names)
        if not fine and fresh:
            update(module)
            fine, said = apt(module, "--no-install-recommends", "--allow-downgrades", "install", *names)
    if not fine:
        module.fail_json(msg=f"could not install {', '.join(names)}: {said}")


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "start_services": {"type": "bool", "default": False},
            "lists_valid_seconds": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    names = missing(module, module.params["names"])
    if names and not module.check_mode:
        install(module, names)
        left = missing(module, names)
        if left:
            module.fail_json(msg=f"apt-get succeeded but {', '.join(left)} is still missing")
    module.exit_json(changed=bool(names), installed=names)


if __name__ == "__main__":
    main()

#!/usr/bin/python
"""Finds, checks, formats and mounts data disks; never touches a foreign one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: disks
short_description: Formats and mounts data disks
description:
  - Finds each disk by its name in /dev/disk/by-id. Before anything is changed, every disk is checked. A disk that
    carries anything but a file system this module made (known by type and label), that is too small, or that is in
    use elsewhere, is refused and left as it is.
  - Empty disks get an XFS file system; all are mounted by UUID through /etc/fstab with C(nofail), so a host with a
    broken disk still boots.
options:
  disks:
    description: What must be there.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: "Name in the spec; the label is C(gf-NAME).", type: str, required: true}
      by_id: {description: Name in /dev/disk/by-id., type: str, required: true}
      mount: {description: Mount point., type: path, required: true}
      size_bytes: {description: Size that the spec promises., type: int, required: true}
  options:
    description: Mount options.
    type: str
    default: defaults,noatime,nofail,x-systemd.device-timeout=60s
  tolerance_percent:
    description: How much smaller than promised a disk may be.
    type: float
    default: 2.0
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: Mount the data disks
  greenfield.host.disks:
    disks: [{name: data, by_id: nvme-SERIAL, mount: /data, size_bytes: 1920383410176}]
"""

RETURN = r"""
actions:
  description: What was (or in check mode would be) done, such as C(format data).
  type: list
  returned: always
disks:
  description: Device and UUID of each disk by name, as far as they are known.
  type: dict
  returned: always
"""

import hashlib
import os
import stat

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils import files as host_files

FOLDER = "/dev/disk/by-id"
FSTAB = "/etc/fstab"
LABEL_PREFIX = "gf-"
LABEL_LENGTH = 12
"""Longest label that XFS takes."""

NOTHING_FOUND = 2
AMBIVALENT = 8
"""Exit codes of blkid."""


def label_of(name):
    """The label of our file system on the disk of this name; long names are told apart by a digest."""
    label = LABEL_PREFIX + name
    if len(label.encode()) <= LABEL_LENGTH:
        return label
    start = name.encode()[:4].decode(errors="ignore")
    return LABEL_PREFIX + start + "-" + hashlib.sha256(name.encode()).hexdigest()[:4]


def readable(size):
    """Bytes for people, e.g. ``4.0 GiB``."""
    return f"{size / 2**30:.1f} GiB"


class Disks:
    """Checks all disks, then changes what differs."""

    def __init__(self, module):
        self.module = module
        self.actions = []

    def run(self):
        """Bring the disks to the arguments."""
        disks = sorted(self.module.params["disks"], key=lambda disk: disk["mount"])  # Outer mount points first.
        mounts = self._mounts()
        for disk in disks:
            self._find(disk)
            self._probe(disk)
            self._check_use(disk, mounts)
        for disk in disks:
            if not disk["uuid"]:
                self._format(disk)
        self._fstab(disks)
        for disk in disks:
            if not disk["mounted"]:
                self._mount(disk)
        facts = {disk["name"]: {"device": disk["device"], "uuid": disk["uuid"]} for disk in disks}
        return {"changed": bool(self.actions), "actions": self.actions, "disks": facts}

    def _refuse(self, disk, found, fix):
        self.module.fail_json(
            msg=f"disk {disk['name']} ({FOLDER}/{disk['by_id']}) {found}; nothing on any disk was changed. "
            f"To go on: {fix}"
        )

    def _find(self, disk):
        path = os.path.join(FOLDER, disk["by_id"])
        try:
            device = os.path.realpath(path, strict=True)
        except OSError:
            present = sorted(os.listdir(FOLDER)) if os.path.isdir(FOLDER) else []
            listed = ", ".join(present[:12]) or "nothing"
            self._refuse(disk, f"is not there (this host has: {listed})", "seat the disk, or correct byId in the spec")
        if not stat.S_ISBLK(os.stat(device).st_mode):
            self._refuse(disk, f"is {device}, which is no block device", "correct byId in the spec")
        disk["device"] = device
        with open(device, "rb") as file:
            size = file.seek(0, os.SEEK_END)
        least = disk["size_bytes"] * (1 - self.module.params["tolerance_percent"] / 100)
        if size < least:
            self._refuse(
                disk,
                f"has {readable(size)}, the spec promises {readable(disk['size_bytes'])}",
                "fit the disk that was ordered, or correct the hardware class",
            )

    def _probe(self, disk):
        """Read what the disk carries: nothing, our own file system, or something foreign (which is refused)."""
        device = disk["device"]
        code, out, err = self.module.run_command(["blkid", "--probe", "--output", "export", device])
        found = dict(line.partition("=")[::2] for line in out.splitlines() if "=" in line)
        partitions = self._partitions(device)
        disk["uuid"] = ""
        if code == 0 and found.get("TYPE") == "xfs" and found.get("LABEL") == label_of(disk["name"]):
            disk["uuid"] = found["UUID"]
            return
        if code == NOTHING_FOUND and not partitions:
            return
        if code not in (0, NOTHING_FOUND, AMBIVALENT):
            self.module.fail_json(msg=f"blkid can't read {device}: {err.strip()}")
        if code == AMBIVALENT:
            what = "several signatures at once"
        elif found.get("TYPE"):
            what = f"a {found['TYPE']} signature"
        elif found.get("PTTYPE") or partitions:
            what = f"a {found.get('PTTYPE', 'foreign')} partition table"
        else:
            what = "an unknown signature"
        marks = ", ".join(f"{key.lower()} {found[key]}" for key in ("LABEL", "UUID", "PTUUID") if found.get(key))
        self._refuse(
            disk,
            f"carries {what}{f' ({marks})' if marks else ''} that Greenfield did not make",
            "correct byId if this is the wrong disk; if what it holds is not needed, "
            f"erase it by hand with `wipefs --all {FOLDER}/{disk['by_id']}`",
        )

    @staticmethod
    def _partitions(device):
        folder = os.path.join("/sys/class/block", os.path.basename(device))
        if not os.path.isdir(folder):
            return []
        return [name for name in os.listdir(folder) if os.path.exists(os.path.join(folder, name, "partition"))]

    @staticmethod
    def _mounts():
        """Mount point and device number of everything that is mounted, the last one on top."""
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            rows = [line.split(" ") for line in file]
        return [(row[4].replace("\\040", " "), row[2]) for row in rows]

    def _check_use(self, disk, mounts):
        number = os.stat(disk["device"]).st_rdev
        mine = f"{os.major(number)}:{os.minor(number)}"
        at = [point for point, device in mounts if device == mine]
        on_point = [device for point, device in mounts if point == disk["mount"]]
        disk["mounted"] = bool(on_point) and on_point[-1] == mine
        if at and not disk["mounted"]:
            self._refuse(
                disk, f"is mounted at {at[0]}, not at {disk['mount']}", f"unmount {at[0]} when nothing uses it"
            )
        if on_point and not disk["mounted"]:
            self._refuse(
                disk, f"belongs at {disk['mount']}, where another device is mounted", f"unmount {disk['mount']}"
            )
        if not disk["mounted"] and os.path.isdir(disk["mount"]) and os.listdir(disk["mount"]):
            held = ", ".join(sorted(os.listdir(disk["mount"]))[:5])
            self._refuse(
                disk,
                f"can't be mounted at {disk['mount']}: the folder holds {held}, which the mount would hide",
                "move these files away",
            )

    def _format(self, disk):
        self.actions.append(f"format {disk['name']}")
        if self.module.check_mode:
            return
        # Without -f: mkfs.xfs looks once more and refuses a disk that carries anything.
        label = label_of(disk["name"])
        self.module.run_command(["mkfs.xfs", "-q", "-L", label, disk["device"]], check_rc=True)
        self._probe(disk)
        if not disk["uuid"]:
            self.module.fail_json(msg=f"mkfs.xfs ran on {disk['device']} but no file system labelled {label} is there")

    def _fstab(self, disks):
        present = (host_files.read(FSTAB) or b"").decode()
        points = {disk["mount"] for disk in disks}
        kept = []
        for line in present.splitlines():
            fields = line.split()
            if line.startswith("#") or len(fields) < 2 or fields[1] not in points:
                kept.append(line)
        options = self.module.params["options"]
        ours = [f"UUID={disk['uuid']} {disk['mount']} xfs {options} 0 0" for disk in disks]
        content = "".join(f"{line}\n" for line in [*kept, *ours])
        if sorted(content.splitlines()) == sorted(present.splitlines()):
            return
        self.actions.append(f"write {FSTAB}")
        if self.module.check_mode:
            return
        host_files.replace(FSTAB, content.encode())
        # So that systemd's own mount units follow the file.
        self.module.run_command(["systemctl", "daemon-reload"], check_rc=True)

    def _mount(self, disk):
        self.actions.append(f"mount {disk['mount']}")
        if self.module.check_mode:
            return
        os.makedirs(disk["mount"], mode=0o755, exist_ok=True)
        code, _, err = self.module.run_command(["mount", disk["mount"]])
        if code:
            self.module.fail_json(msg=f"disk {disk['name']} could not be mounted at {disk['mount']}: {err.strip()}")


def main():
    """Entry point."""
    disk = {
        "name": {"type": "str", "required": True},
        "by_id": {"type": "str", "required": True},
        "mount": {"type": "path", "required": True},
        "size_bytes": {"type": "int", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "disks": {"type": "list", "elements": "dict", "options": disk, "required": True},
            "options": {"type": "str", "default": "defaults,noatime,nofail,x-systemd.device-timeout=60s"},
            "tolerance_percent": {"type": "float", "default": 2.0},
        },
        supports_check_mode=True,
    )
    module.exit_json(**Disks(module).run())


if __name__ == "__main__":
    main()

#!/usr/bin/python
"""Downloads files whose SHA-256 is known."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fetch
short_description: Downloads files with a known SHA-256
description:
  - A file whose digest is right is left alone. Others are downloaded beside their place, and take it only when the
    digest is right. The digest of a file is remembered with its size and times, so that a second run reads no file.
options:
  files:
    description: What must be there.
    type: list
    elements: dict
    required: true
    suboptions:
      url: {description: Where to get it., type: str, required: true}
      sha256: {description: Digest in hexadecimal., type: str, required: true}
      path: {description: Absolute path on the host., type: path, required: true}
      mode: {description: Octal., type: str, default: "0644"}
      owner: {description: Name or uid., type: str, default: root}
      group: {description: Name or gid., type: str, default: root}
  timeout_seconds:
    description: Longest silence of the server.
    type: int
    default: 30
  notes:
    description: Folder where the digests of files are remembered.
    type: path
    default: /var/lib/greenfield/fetch
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: Fetch the binaries
  greenfield.host.fetch:
    files:
      - {url: "http://mirror/files/etcd", sha256: "...", path: /usr/local/bin/etcd, mode: "0755"}
"""

RETURN = r"""
changed_paths:
  description: Paths that were (or in check mode would be) downloaded or given other attributes.
  type: list
  returned: always
"""

import hashlib
import http.client
import json
import os
import tempfile
import urllib.error
import urllib.request

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils import files as host_files

BLOCK = 1 << 20
FILE = {
    "url": {"type": "str", "required": True},
    "sha256": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "mode": {"type": "str", "default": "0644"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
}


def note_path(notes, path):
    """Where the digest of a path is remembered."""
    return os.path.join(notes, hashlib.sha256(path.encode()).hexdigest()[:32] + ".json")


def remember(notes, path, sha256):
    """Note the digest of a file together with its size, inode and times."""
    state = os.stat(path)
    note = {"path": path, "sha256": sha256, "key": [state.st_size, state.st_ino, state.st_mtime_ns, state.st_ctime_ns]}
    host_files.replace(note_path(notes, path), json.dumps(note).encode(), (0o600, os.geteuid(), os.getegid()))


def digest_of(notes, path):
    """The file's SHA-256, from the note when the file did not change since; empty when there is no file."""
    try:
        state = os.stat(path)
    except FileNotFoundError:
        return ""
    noted = host_files.read(note_path(notes, path))
    if noted:
        note = json.loads(noted)
        if note["key"] == [state.st_size, state.st_ino, state.st_mtime_ns, state.st_ctime_ns]:
            return note["sha256"]
    seen = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            seen.update(block)
    return seen.hexdigest()


def download(module, entry):
    """Download beside the place; the staged path. Fails the module when the digest is another."""
    path, url = entry["path"], entry["url"]
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    descriptor, staged = tempfile.mkstemp(
        prefix="." + os.path.basename(path) + host_files.STAGED, dir=os.path.dirname(path)
    )
    seen = hashlib.sha256()
    try:
        with (
            os.fdopen(descriptor, "wb") as file,
            urllib.request.urlopen(url, timeout=module.params["timeout_seconds"]) as answer,
        ):
            while block := answer.read(BLOCK):
                seen.update(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
    except (OSError, urllib.error.URLError, http.client.HTTPException) as error:
        os.unlink(staged)
        module.fail_json(msg=f"{url} could not be downloaded: {error}")
    if seen.hexdigest() != entry["sha256"].lower():
        os.unlink(staged)
        module.fail_json(
            msg=f"{url} has SHA-256 {seen.hexdigest()}, the lock says {entry['sha256']}: "
            f"{path} was not touched; sync the mirror anew, and if it stays so the file was tampered with"
        )
    return staged


def bring(module, entry):
    """Bring one file to its digest and attributes; whether anything changed."""
    notes, path, sha256 = module.params["notes"], entry["path"], entry["sha256"].lower()
    uid, gid = host_files.user_id(entry["owner"]), host_files.group_id(entry["group"])
    attributes = (host_files.octal(entry["mode"]), uid, gid)
    if None in attributes and not module.check_mode:
        module.fail_json(msg=f"{path}: no user {entry['owner']} or group {entry['group']} on this host")
    if digest_of(notes, path) != sha256:
        if not module.check_mode:
            staged = download(module, entry)
            host_files.set_attributes(staged, attributes)
            os.replace(staged, path)
            remember(notes, path, sha256)
        return True
    changed = host_files.attributes_differ(os.stat(path), attributes)
    if not module.check_mode:
        if changed:
            host_files.set_attributes(path, attributes)
        if changed or not os.path.exists(note_path(notes, path)):
            remember(notes, path, sha256)
    return changed


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "options": FILE, "required": True},
            "timeout_seconds": {"type": "int", "default": 30},
            "notes": {"type": "path", "default": "/var/lib/greenfield/fetch"},
        },
        supports_check_mode=True,
    )
    changed = [entry["path"] for entry in module.params["files"] if bring(module, entry)]
    module.exit_json(changed=bool(changed), changed_paths=changed)


if __name__ == "__main__":
    main()

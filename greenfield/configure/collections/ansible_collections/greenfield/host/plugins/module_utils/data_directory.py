"""Data directories of engines: made only on the mounted disk, and kept when they must give way."""

from __future__ import annotations

import os
import time

from ansible_collections.greenfield.host.plugins.module_utils import files as host_files

MODE = 0o700


def not_mounted(mount, data):
    """Why the data directory can't be trusted to be empty; empty when its disk is there."""
    if not mount or os.path.ismount(mount):
        return ""
    return f"{mount} is not mounted, so {data} may only look empty. Fix: bring the data disk back"


def ensure(paths, user):
    """Have directories that only ``user`` may enter. Returns the paths that were made or mended."""
    attributes = (MODE, host_files.user_id(user), host_files.group_id(user))
    changed = []
    for path in paths:
        if os.path.isdir(path) and not host_files.attributes_differ(os.stat(path), attributes):
            continue
        os.makedirs(path, mode=MODE, exist_ok=True)
        host_files.set_attributes(path, attributes)
        changed.append(path)
    return changed


def set_aside(data, names, why):
    """Move what is left of data into a folder beside it, out of the way of the next start. Nothing is removed."""
    folder = os.path.join(data, f"{why}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    for name in names:
        path = os.path.join(data, name)
        if os.path.lexists(path):
            os.makedirs(folder, mode=MODE, exist_ok=True)
            os.rename(path, os.path.join(folder, name))

"""Comparing and replacing files, shared by the modules of this collection."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import tempfile

STAGED = ".greenfield-"
"""Part of the name of a file that is written but not yet in its place; hidden, and never ends in ``.conf``."""


def user_id(name):
    """The uid of a name or number; None when there is no such user."""
    return _identity(name, lambda text: pwd.getpwnam(text).pw_uid)


def group_id(name):
    """The gid of a name or number; None when there is no such group."""
    return _identity(name, lambda text: grp.getgrnam(text).gr_gid)


def _identity(name, find):
    if str(name).isdigit():
        return int(name)
    try:
        return find(str(name))
    except KeyError:
        return None


def octal(mode):
    """A mode given as ``"0640"`` or ``0o640`` as a number. Raises ValueError when it is neither."""
    return int(str(mode), 8) if isinstance(mode, str) else int(mode)


def attributes_differ(state, attributes):
    """Whether an ``os.stat_result`` differs from the wanted (mode, uid, gid)."""
    return (stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid) != tuple(attributes)


def set_attributes(path, attributes):
    """Set (mode, uid, gid). The owner first, because a change of owner clears set-user-ID bits."""
    mode, uid, gid = attributes
    os.chown(path, uid, gid)
    os.chmod(path, mode)


def read(path):
    """Bytes of a regular file; None when the path is anything else or absent."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def stage(path, content, attributes, folder=None):
    """Write content beside its place (or into ``folder``) with (mode, uid, gid); returns the staged path."""
    prefix = "." + os.path.basename(path) + STAGED
    descriptor, staged = tempfile.mkstemp(prefix=prefix, dir=folder or os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        set_attributes(staged, attributes)
    except OSError:
        os.unlink(staged)
        raise
    return staged


def replace(path, content, attributes=(0o644, 0, 0)):
    """Write a file so that a reader sees the old or the new content, never a part. Its folder is made when missing."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    os.replace(stage(path, content, attributes), path)

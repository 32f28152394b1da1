"""Keeps the keys of a kubeconfig in memory.

The client and OpenSSL want certificates and keys as files. The client would write them to the temporary folder, where
they stay when Pulumi kills the plugin at the end of a run.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Iterable, Mapping
from typing import IO, Any

DATA = "-data"
FIELDS = {"clusters": ("cluster", "certificate-authority"), "users": ("user", "client-certificate", "client-key")}
"""Where a kubeconfig may hold content in place of a file: section, entry, and names without their ``-data``."""


def in_memory(kubeconfig: Mapping[str, Any], held: list[IO[bytes]]) -> dict[str, Any]:
    """The kubeconfig with files in place of content.

    Args:
        kubeconfig: as it was loaded.
        held: gets the open files; they are there for as long as these are.

    Raises:
        ValueError: content that is not base64.
    """
    found = dict(kubeconfig)
    for section, (entry, *names) in FIELDS.items():
        found[section] = [
            {**each, entry: _files(each.get(entry) or {}, names, held)} for each in kubeconfig.get(section) or []
        ]
    return found


def _files(said: Mapping[str, Any], names: Iterable[str], held: list[IO[bytes]]) -> dict[str, Any]:
    found = dict(said)
    for name in names:
        content = found.pop(name + DATA, None)
        if content:
            found[name] = _file(base64.b64decode(content), held)
    return found


def _file(content: bytes, held: list[IO[bytes]]) -> str:
    """Path of a file that is on no disk and goes with this process (on Linux; else a temporary one)."""
    if hasattr(os, "memfd_create"):
        file: IO[bytes] = os.fdopen(os.memfd_create("kubeconfig"), "w+b")
        path = f"/proc/self/fd/{file.fileno()}"
    else:
        temporary = tempfile.NamedTemporaryFile()  # noqa: SIM115 (it is held open)
        file, path = temporary, temporary.name
    file.write(content)
    file.flush()
    held.append(file)
    return path

"""A temporary folder for what a run's programs leave behind, taken away with all that is in it when the run has ended.

The Kubernetes plugin writes its kubeconfig to the temporary folder, and Pulumi ends plugins too roughly for them to
tidy up: an administrator's key would stay on the workstation.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch(records: Path) -> Iterator[Path]:
    """A folder that only this user can enter; those of runs that were killed are taken away first.

    Args:
        records: folder that remembers which run has which, by its process.
    """
    records.mkdir(parents=True, exist_ok=True, mode=0o700)
    for record in records.iterdir():
        if not Path(f"/proc/{record.name}").exists():
            _remove(record)
    # Not in the records' own folder: the paths of sockets may have a hundred characters.
    folder = Path(tempfile.mkdtemp(prefix="greenfield-"))
    record = records / str(os.getpid())
    record.unlink(missing_ok=True)
    record.symlink_to(folder)
    try:
        yield folder
    finally:
        _remove(record)


def _remove(record: Path) -> None:
    shutil.rmtree(record.resolve(), ignore_errors=True)
    record.unlink(missing_ok=True)

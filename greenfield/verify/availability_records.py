"""Records of probes in the user's state: ``probes/SITE/CLUSTER/NAME.json``, the newest of each name."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import TextIO

from greenfield import state
from greenfield.errors import VerifyError
from greenfield.spec.explain import hint
from greenfield.verify.availability import Availability, from_json

NAME = re.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""As names in specs (schemas/common.schema.json)."""


class AvailabilityRecords:
    """The records of one cluster's probes."""

    def __init__(self, site: str, cluster: str) -> None:
        self.site, self.cluster = site, cluster
        self.folder = state.folder() / "probes" / site / cluster

    def path(self, name: str) -> Path:
        """Where the record of a probe lies.

        Raises:
            VerifyError: that is no name.
        """
        if not NAME.fullmatch(name):
            raise VerifyError(
                f'"{name}" is no name for a probe', fix="use small letters, digits and hyphens, at most 63"
            )
        return self.folder / f"{name}.json"

    def hold(self, name: str) -> TextIO:
        """Be the only one that writes the record of a probe, until the file is closed.

        Raises:
            VerifyError: a probe of that name is running, or the state can't be written to.
        """
        self.path(name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass  # it can be written to
            return self._lock(name)
        except state.HeldError as error:
            raise VerifyError(
                f'a probe "{name}" of {self.cluster} on {self.site} is running ({error.holder})',
                fix="end it, or use another name",
            ) from None
        except OSError as error:
            raise self._unwritable(error) from error

    def write(self, probe: Availability) -> None:
        """Put a record in place of the one before, wholly or not at all.

        Raises:
            OSError: the state can't be written to.
        """
        path = self.path(probe.name)
        fresh = path.with_suffix(".new")  # only the probe that holds the name writes it
        fresh.write_text(json.dumps(probe.to_json(), indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)

    def read_all(self) -> tuple[Availability, ...]:
        """All records, by name.

        Raises:
            VerifyError: one can't be read.
        """
        found = (self._read(path) for path in sorted(self.folder.glob("*.json")))
        return tuple(record for record in found if record is not None)

    def is_running(self, name: str) -> bool:
        """Whether a probe of that name is asking now.

        Raises:
            VerifyError: the state can't be written to.
        """
        try:
            self._lock(name).close()
        except state.HeldError:
            return True
        except OSError as error:
            raise self._unwritable(error) from error
        return False

    def forget(self, name: str) -> None:
        """Remove a record.

        Raises:
            VerifyError: there is none, its probe is running, or the state can't be written to.
        """
        path = self.path(name)
        if not path.exists():
            known = [each.stem for each in sorted(self.folder.glob("*.json"))]
            fix = hint(name, known) if known else "no probe of this cluster has a record"
            raise VerifyError(f'there is no record of a probe "{name}" of {self.cluster} on {self.site}', fix=fix)
        with self.hold(name):
            path.unlink(missing_ok=True)

    def _lock(self, name: str) -> TextIO:
        return state.lock(f"probe-{self.site}.{self.cluster}.{name}", f"process {os.getpid()}")

    def _unwritable(self, error: OSError) -> VerifyError:
        fix = "make the folder writable, or set XDG_STATE_HOME"
        return VerifyError(f"{error.filename or self.folder}: {error.strerror}", fix=fix)

    def _read(self, path: Path) -> Availability | None:
        try:
            return from_json(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None  # forgotten in this moment
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            said = error.strerror if isinstance(error, OSError) else "is no record of a probe"
            raise VerifyError(
                f"{path}: {said}", fix=f"remove it: greenfield probe SPEC --forget {path.stem}"
            ) from error

"""Where a site's mirror lies on the workstation."""

from __future__ import annotations

import os
from pathlib import Path


def mirror_dir(site_name: str) -> Path:
    """Document root of a site's mirror (``GREENFIELD_MIRROR_DIR`` moves the folder of all mirrors)."""
    base = os.environ.get("GREENFIELD_MIRROR_DIR")
    return (Path(base) if base else Path.home() / ".local" / "share" / "greenfield" / "mirror") / site_name

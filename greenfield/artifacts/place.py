"""Where the mirror, its state and the caches lie on the workstation."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit


def mirrors() -> Path:
    """Folder of all mirrors: ``GREENFIELD_MIRROR_DIR``, else below the user's data folder."""
    base = os.environ.get("GREENFIELD_MIRROR_DIR")
    return Path(base) if base else Path.home() / ".local" / "share" / "greenfield" / "mirror"


def mirror_dir(site_name: str) -> Path:
    """Document root of a site's mirror (``GREENFIELD_MIRROR_DIR`` moves the folder of all mirrors)."""
    return mirrors() / site_name


def state_dir(site_name: str) -> Path:
    """What belongs to a mirror and must never be served: the signing key, the digest cache. Mode 0700."""
    folder = mirrors() / ".state" / site_name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder


def carried() -> Path:
    """Files that were carried in by hand; kept, unlike a cache."""
    return mirrors() / ".carried"


def cache() -> Path:
    """What can be had again: ``GREENFIELD_CACHE_DIR``, else ``~/.cache/greenfield``."""
    base = os.environ.get("GREENFIELD_CACHE_DIR")
    return Path(base) if base else Path.home() / ".cache" / "greenfield"


REGISTRY_PORT = 5000
"""Where the mirror serves images, beside the port of its URL."""


def registry_url(mirror_url: str) -> str:
    """Where a mirror's images are: ``https://10.77.0.2:5000`` for ``http://10.77.0.2:8080``."""
    return f"https://{urlsplit(mirror_url).hostname}:{REGISTRY_PORT}"

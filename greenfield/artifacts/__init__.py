"""What hosts install: the catalogue, the lock, the mirror, its SBOM. Imports only the standard library."""

from greenfield.artifacts.lock import Lock, load_lock, save_lock, summary
from greenfield.artifacts.place import mirror_dir, registry_url
from greenfield.artifacts.verification import verify_mirror
from greenfield.artifacts.wanted_images import check_images

__all__ = ["Lock", "check_images", "load_lock", "mirror_dir", "registry_url", "save_lock", "summary", "verify_mirror"]

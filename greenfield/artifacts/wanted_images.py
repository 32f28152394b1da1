"""Images that workloads name, against what the mirror holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from greenfield.artifacts.lock import Lock
from greenfield.errors import ArtifactError
from greenfield.model.images import images_of


def check_images(lock: Lock, workloads: Mapping[str, Sequence[Any]]) -> None:
    """Refuse workloads whose images hosts could not pull: the site's registry is the only one that they reach.

    Args:
        lock: what the mirror holds.
        workloads: name of a workload to the objects of its manifests.

    Raises:
        ArtifactError: an image is not in the lock; each is named with its workload.
    """
    held = {image.name for image in lock.images}
    missing = [
        f"{name}: {image}"
        for name, objects in workloads.items()
        for image in dict.fromkeys(images_of(objects))
        if image not in held
    ]
    if missing:
        raise ArtifactError(
            "the mirror has no image of: " + "; ".join(missing),
            fix="greenfield mirror lock SPEC takes them in, and says which must be carried in first",
        )

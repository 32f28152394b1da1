"""Images that workloads name, against what hosts can pull."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from greenfield.model.images import images_of
from greenfield.model.problem import Problem
from greenfield.spec.document import file_path
from greenfield.spec.manifest import ManifestObject

RULE = "unknown-image"


def image_problems(manifests: Mapping[str, Sequence[ManifestObject]], held: Collection[str]) -> list[Problem]:
    """Images that hosts could not pull, each where it is named.

    Args:
        manifests: objects of each workload.
        held: names of the images in the mirror's lock: the site's registry is the only one that hosts reach.
    """
    known = ", ".join(sorted(held)) or "none"
    fix = f"name one that it has ({known}); any other has to be in the catalogue first: docs/mirror.md"
    return [
        Problem(
            file_path(found.file, *_place(found, image)),
            f"{found.label} of workload {workload} runs {image}, which the mirror's lock does not hold",
            fix,
            RULE,
        )
        for workload, objects in manifests.items()
        for found in objects
        for image in dict.fromkeys(images_of(found.data))
        if image not in held
    ]


def _place(found: ManifestObject, image: str) -> tuple[int, int]:
    """Line and column (from 1) of the image's name; where the object begins if it is not written in one piece."""
    lines = found.file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[found.line - 1 :], found.line):
        key, sign, value = line.partition("image:")
        if sign and value.split("#")[0].strip(" \t\"',}]").split(",")[0].strip("\"'") == image:
            return number, len(key) + len(sign) + value.index(image) + 1
    return found.line, 1

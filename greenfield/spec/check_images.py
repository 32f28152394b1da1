"""Images that workloads name, against what hosts can pull."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from greenfield.model.images import FULL_NAME, images_of
from greenfield.model.problem import Problem
from greenfield.spec.document import file_path
from greenfield.spec.manifest import ManifestObject

NAME_RULE = "image-name"
RULE = "unknown-image"


def image_problems(
    manifests: Mapping[str, Sequence[ManifestObject]], held: Collection[str] | None = None
) -> Iterator[Problem]:
    """Images that hosts could not pull, each where it is named.

    Args:
        manifests: objects of each workload.
        held: names of the images in the mirror's lock: the site's registry is the only one that hosts reach. None
            where there is no lock yet.
    """
    for workload, objects in manifests.items():
        for found in objects:
            for image in dict.fromkeys(images_of(found.data)):
                at, runs = file_path(found.file, *_place(found, image)), f"{found.label} of workload {workload} runs"
                if not FULL_NAME.fullmatch(image):
                    fix = "write HOST/PATH:TAG, as in docker.io/library/nginx:1.29; the lock pins its digest"
                    yield Problem(at, f"{runs} {image}, which is not the full name of an image", fix, NAME_RULE)
                elif held is not None and image not in held:
                    fix = (
                        "greenfield mirror lock SPEC takes it in; where no engine brings it, carry it in first: "
                        f"greenfield mirror add image/{image} ARCHIVE --sha256 DIGEST"
                    )
                    yield Problem(at, f"{runs} {image}, which the mirror's lock does not hold", fix, RULE)


def _place(found: ManifestObject, image: str) -> tuple[int, int]:
    """Line and column (from 1) of the image's name; where the object begins if it is not written in one piece."""
    lines = found.file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[found.line - 1 :], found.line):
        key, sign, value = line.partition("image:")
        if sign and value.split("#")[0].strip(" \t\"',}]").split(",")[0].strip("\"'") == image:
            return number, len(key) + len(sign) + value.index(image) + 1
    return found.line, 1

"""Images of workloads are looked for in the lock before anything is changed."""

from __future__ import annotations

import pytest

from greenfield.artifacts.lock import Artifact, ImageArtifact, Lock
from greenfield.artifacts.wanted_images import check_images, images_of
from greenfield.errors import ArtifactError

PAUSE = "registry.k8s.io/pause:3.10.1"
POD = {"containers": [{"name": "one", "image": PAUSE}], "initContainers": [{"name": "two", "image": "shop/prepare:1"}]}
CRON = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": POD}}}}}


def lock() -> Lock:
    image = ImageArtifact(PAUSE, "1" * 64, 1, "1.0.1", "pkg:generic/pause@v1.0.1", ())
    return Lock("lab", "bookworm", "amd64", "", "", "", {}, {"containers": Artifact(images=(image,))})


def test_images_are_found_wherever_pods_are_described() -> None:
    assert list(images_of([{"kind": "Service"}, CRON])) == [PAUSE, "shop/prepare:1"]


def test_a_missing_image_is_named_with_its_workload() -> None:
    with pytest.raises(ArtifactError, match="nightly: shop/prepare:1") as refused:
        check_images(lock(), {"nightly": [CRON]})
    assert "greenfield mirror lock SPEC" in refused.value.fix


def test_images_that_are_there_pass() -> None:
    check_images(lock(), {"idle": [{"spec": {"containers": [{"name": "one", "image": PAUSE}]}}]})

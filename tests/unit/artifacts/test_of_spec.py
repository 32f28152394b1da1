"""What a spec asks of its mirror, and locks that don't fit it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from greenfield import content
from greenfield.artifacts import Lock, save_lock
from greenfield.artifacts.lock import Artifact
from greenfield.artifacts.of_spec import check_fit, in_lines, locked, wanted
from greenfield.errors import ArtifactError

EXAMPLE = content.root() / "examples" / "lab"
WHOLE = {name: Artifact() for name in ("host", "etcd-3.6", "redis-7.0")}
LOCK = Lock("lab", "bookworm", "amd64", "2026-01-01T00:00:00Z", "", "", {}, WHOLE)


def test_the_example_wants_the_host_layer_and_its_engines() -> None:
    found = wanted(EXAMPLE)
    assert (found.site, found.names) == ("lab", ("host", "etcd-3.6", "redis-7.0"))
    assert found.folder == EXAMPLE
    assert found.served.name == "lab"
    assert found.address == "10.77.0.2"


def test_a_lock_made_before_the_spec_asked_for_more_is_refused(tmp_path: Path) -> None:
    wants = replace(wanted(EXAMPLE), folder=tmp_path)
    check_fit(LOCK, wants)
    with pytest.raises(ArtifactError, match=r"mirror\.lock\.json lacks redis-7\.0") as caught:
        check_fit(replace(LOCK, artifacts={"host": Artifact(), "etcd-3.6": Artifact()}), wants)
    assert caught.value.fix.endswith("--update")


def test_a_lock_that_lacks_nothing_but_images_of_workloads_needs_no_news_from_upstream() -> None:
    wants = replace(wanted(EXAMPLE), names=(*WHOLE, "image/registry.shop.internal/web:2.0"))
    with pytest.raises(ArtifactError, match=r"lacks image/registry\.shop\.internal/web:2\.0") as caught:
        check_fit(LOCK, wants)
    assert caught.value.fix == f"greenfield mirror lock {EXAMPLE}"


def test_a_lock_of_another_site_is_refused() -> None:
    with pytest.raises(ArtifactError, match="is of site other, not lab"):
        check_fit(replace(LOCK, site="other"), wanted(EXAMPLE))


def test_the_lock_beside_the_spec_is_found_or_asked_for(tmp_path: Path) -> None:
    wants = replace(wanted(EXAMPLE), folder=tmp_path)
    with pytest.raises(ArtifactError, match="there is no mirror") as caught:
        locked(wants)
    assert caught.value.fix == f"greenfield mirror sync {tmp_path}"
    save_lock(LOCK, tmp_path)
    assert locked(wants) == LOCK


def test_progress_lines_name_each_new_thing_once() -> None:
    lines: list[str] = []
    tell = in_lines(lines.append)
    for what, done, total in [("lists", 0, 0), ("lists", 0, 0), ("download", 10**6, 4 * 10**6), ("download", 2, 9)]:
        tell(what, done, total)
    assert lines == ["lists", "download: 1 of 4 MB"]

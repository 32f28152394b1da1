"""Which versions can be reached from which."""

from __future__ import annotations

from itertools import pairwise

import pytest

from greenfield.engines import ENGINES
from greenfield.engines.version_path import VersionPath, parse

STEPWISE = VersionPath("Thing", every_minor=True, no_way_back="it forgets", way_back="restore it")
UPWARD = VersionPath("Thing", no_way_back="it forgets", way_back="restore it")


@pytest.mark.parametrize(
    ("path", "standing", "wanted"),
    [
        (STEPWISE, (), "1.35"),
        (STEPWISE, ("1.35",), "1.35"),
        (STEPWISE, ("1.34",), "1.35"),
        (STEPWISE, ("1.9",), "1.10"),
        (STEPWISE, ("1.34", "1.35"), "1.35"),
        (UPWARD, ("6.2",), "7.0"),
        (UPWARD, ("7.0",), "7.4"),
        (VersionPath("Thing"), ("7.0",), "6.2"),
    ],
)
def test_a_version_that_can_be_reached(path: VersionPath, standing: tuple[str, ...], wanted: str) -> None:
    assert path.refusal(standing, wanted) is None


@pytest.mark.parametrize(
    ("path", "standing", "wanted", "words", "fix"),
    [
        (STEPWISE, ("1.33",), "1.35", "go through 1.34 first", 'set version "1.34", up, then "1.35"'),
        (STEPWISE, ("1.8",), "1.11", "go through 1.9 first", 'set version "1.9", up, then "1.10", up, then "1.11"'),
        (STEPWISE, ("1.33", "1.34"), "1.35", "the upgrade to 1.34 is not finished", 'set version "1.34"'),
        (STEPWISE, ("1.35",), "2.0", "does not upgrade to 2.0 in place", "beside it"),
        (STEPWISE, ("1.35",), "1.34", "can't become 1.34: it forgets", 'set version "1.35"; restore it'),
        (STEPWISE, ("1.10",), "1.9", "can't become 1.9", 'set version "1.10"'),
        (STEPWISE, ("1.35", "1.34"), "1.34", "an upgrade from 1.34 to 1.35 has begun", "placement record"),
        (UPWARD, ("7.0",), "6.2", "can't become 6.2", 'set version "7.0"'),
    ],
)
def test_a_version_that_can_not(
    path: VersionPath, standing: tuple[str, ...], wanted: str, words: str, fix: str
) -> None:
    refused = path.refusal(standing, wanted)
    assert refused is not None
    assert words in refused[0]
    assert fix in refused[1]


def test_steps_that_this_release_does_not_know_are_told() -> None:
    refused = STEPWISE.refusal(("1.32",), "1.35", ("1.34", "1.35"))
    assert refused is not None
    assert refused[1].endswith("(1.33 with an earlier release of Greenfield)")
    known = STEPWISE.refusal(("1.33",), "1.35", ("1.34", "1.35"))
    assert known is not None
    assert "earlier release" not in known[1]


def test_a_deployed_version_that_this_release_does_not_know_is_told() -> None:
    refused = UPWARD.refusal(("7.2",), "7.0", ("7.0",))
    assert refused is not None
    assert refused[1].startswith('set version "7.2" with the release of Greenfield that knows it; ')


def test_words_are_no_version() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse("latest")


@pytest.mark.parametrize("name", ENGINES)
def test_every_kind_reaches_each_of_its_versions_from_the_one_before(name: str) -> None:
    versions, path = ENGINES[name].versions, ENGINES[name].version_path
    assert all(path.refusal((old,), new) is None for old, new in pairwise(versions) if path)


def test_what_keeps_data_says_how_its_version_may_change() -> None:
    for kind in ENGINES.values():
        if kind.data_tier:
            assert kind.version_path and kind.version_path.no_way_back and kind.version_path.way_back, kind.name

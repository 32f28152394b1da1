"""What the further modules of greenfield.host foresee and refuse; what they change is proved by the role scenarios."""

from __future__ import annotations

import sys

import pytest

from greenfield import content

sys.path.insert(0, str(content.collections()))

from ansible_collections.greenfield.host.plugins.modules.disks import LABEL_LENGTH, label_of


@pytest.mark.parametrize("name", ["data", "d", "123456789", "1234567890", "a-rather-long-name", "größer-als-gedacht"])
def test_labels_fit_into_xfs(name):
    assert len(label_of(name).encode()) <= LABEL_LENGTH
    assert label_of(name).startswith("gf-")


def test_long_names_have_labels_of_their_own():
    assert label_of("data-disk-number-1") != label_of("data-disk-number-2")


def test_an_unknown_kernel_setting_is_refused_unless_it_is_optional(module, tmp_path):
    file = str(tmp_path / "60-test.conf")
    answer = module("sysctls", check=True, file=file, settings={"kernel.no_such_setting": "1"})
    assert "kernel.no_such_setting" in answer["msg"]
    answer = module("sysctls", check=True, file=file, settings={"-kernel.no_such_setting": "1"})
    assert answer["not_applied"] == ["kernel.no_such_setting"]
    assert answer["changed_paths"] == [file]


def test_missing_packages_are_named_by_check_mode(module):
    answer = module("packages", check=True, names=["dpkg", "no-such-package", "dpkg=0.0-never"])
    assert answer["installed"] == ["no-such-package", "dpkg=0.0-never"]


def test_another_content_of_the_mirror_is_foreseen_for_installed_packages(module):
    assert not module("packages", check=True, names=["dpkg"])["changed"]
    assert module("packages", check=True, names=["dpkg"], content="never seen")["installed"] == ["dpkg"]


def test_accounts_of_check_mode(module):
    answer = module(
        "accounts",
        check=True,
        groups=[{"name": "root"}, {"name": "gf-absent"}],
        users=[{"name": "root", "home": "/root"}, {"name": "gf-absent", "group": "gf-absent", "system": True}],
    )
    assert answer["changed_accounts"] == ["gf-absent"]

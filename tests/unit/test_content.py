"""What decides how a role works."""

from __future__ import annotations

import pytest

from greenfield import content


def names(role: str) -> set[str]:
    return {path.name for path in content.parts_of(role)}


def test_a_role_has_the_modules_it_calls_and_what_they_import() -> None:
    assert {"etcd", "etcd_membership.py", "etcd_client.py", "etcd_decision.py", "tree.py", "files.py"} <= names("etcd")


def test_a_role_has_nothing_of_another_engine() -> None:
    assert not {name for name in names("etcd") if name.startswith(("redis", "kube"))}
    assert not {name for name in names("baseline") if name.startswith(("redis", "kube", "etcd"))}


def test_what_is_rendered_on_the_controller_counts_too() -> None:
    assert {path.parent.name for path in content.parts_of("etcd") if path.name == "tree.py"} == {"modules", "action"}


@pytest.mark.parametrize("role", sorted(path.name for path in content.roles().iterdir() if path.is_dir()))
def test_every_part_has_a_digest(role: str) -> None:
    parts = content.parts_of(role)
    assert len({content.digest(part) for part in parts}) == len(parts)

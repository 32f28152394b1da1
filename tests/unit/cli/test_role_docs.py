"""The READMEs of roles are what their argument specs say."""

from __future__ import annotations

import pytest

from greenfield import content
from greenfield.cli.roles import readme

ROLES = sorted(path.parents[1].name for path in content.roles().glob("*/meta/argument_specs.yml"))


@pytest.mark.parametrize("role", ROLES)
def test_readme_is_up_to_date(role: str) -> None:
    folder = content.roles() / role
    assert (folder / "README.md").read_text(encoding="utf-8") == readme(folder), "greenfield roles docs --write"


def test_every_role_tells_its_arguments() -> None:
    assert sorted(path.name for path in content.roles().iterdir() if path.is_dir()) == ROLES


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_explained(role: str) -> None:
    rows = [line for line in readme(content.roles() / role).splitlines() if line.startswith("| `")]
    assert rows
    assert all(row.rstrip(" |").count("|") == 4 for row in rows)

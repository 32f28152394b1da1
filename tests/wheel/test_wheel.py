"""The wheel by itself, in an empty folder: it holds all content, and ten lines preview a cluster with it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

from installed import REPO, Installed, names, write_program

from greenfield import content

PARTS = ("roles", "schemas", "standards", "stacks", "tests/acceptance", "tools")


def _tracked(*folders: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *folders], cwd=REPO, capture_output=True, text=True, check=True
    ).stdout
    return {name for name in listed.split("\0") if name and (REPO / name).is_file()}


def test_every_file_of_the_package_and_its_content_is_in_the_wheel(wheel: Path) -> None:
    within = names(wheel)
    assert _tracked("greenfield") - within == set()
    assert {f"greenfield/_content/{name}" for name in _tracked(*PARTS)} - within == set()


def test_nothing_else_is_in_the_wheel(wheel: Path) -> None:
    kinds = re.compile(r"(^|/)(\.access|\.ruff_cache|__pycache__|build|dist|.*\.pyc|.*\.key|id_ed25519.*)(/|$)")
    assert [name for name in names(wheel) if kinds.search(name)] == []


def test_content_is_found_and_is_the_checkouts(installed: Installed, tmp_path: Path) -> None:
    """Roles have the same digest from the wheel, so that a change of the place they come from changes no host."""
    script = """
import json
from greenfield import content, spec
from greenfield.artifacts import catalogue, toolchain
from greenfield.spec import reference
print(json.dumps({
    "place": str(content.PACKAGE),
    "digest": content.digest(content.roles(), content.collections()),
    "roles": sorted(path.name for path in content.roles().iterdir()),
    "schemas": len(reference.page()) > 1000,
    "standards": [path.name for path in content.standards().glob("*.yaml")],
    "suites": sorted(path.name for path in content.acceptance().glob("test_*.py")),
    "tools": sorted(toolchain.names()),
    "stacks": (content.root() / "stacks" / "__main__.py").is_file(),
    "catalogue": bool(catalogue.load_catalogue()),
}))
"""
    result = installed.run(str(installed.python), "-c", script, folder=tmp_path)
    assert result.returncode == 0, result.stdout
    found = json.loads(result.stdout)
    assert Path(found["place"]).is_relative_to(installed.python.parents[1])
    assert found["digest"] == content.digest(content.roles(), content.collections())
    assert found["roles"] == sorted(path.name for path in content.roles().iterdir())
    assert found["suites"] == sorted(path.name for path in content.acceptance().glob("test_*.py"))
    assert found["tools"] == sorted(path.name for path in content.tools().iterdir() if path.is_dir())
    assert found["schemas"] and found["standards"] and found["stacks"] and found["catalogue"]


def test_the_command_line_works(installed: Installed, tmp_path: Path) -> None:
    tool = str(installed.python.parent / "greenfield")
    made = installed.run(tool, "init", "site", folder=tmp_path)
    assert made.returncode == 0, made.stdout
    planned = installed.run(tool, "plan", "site", folder=tmp_path)
    assert planned.returncode == 0, planned.stdout
    assert "9 hosts in 3 racks" in planned.stdout


def test_ten_lines_preview_the_example_without_a_host(installed: Installed, tmp_path: Path) -> None:
    for name in ("site.yaml", "hosts.csv", "cluster.yaml"):
        shutil.copy(REPO / "examples" / "lab" / name, tmp_path)
    write_program(tmp_path, "ten-lines")
    made = installed.run("pulumi", "stack", "init", "lab", folder=tmp_path)
    assert made.returncode == 0, made.stdout
    result = installed.run("pulumi", "preview", "--non-interactive", folder=tmp_path)
    assert result.returncode == 0, result.stdout
    assert re.search(r"greenfield:index:Cell orders-config-store-r1 create", result.stdout), result.stdout
    assert re.search(r"\+ \d+ to create", result.stdout), result.stdout
    assert not (tmp_path / "orders.placement.json").exists(), "a preview writes nothing beside the spec"


def test_what_init_writes_previews(installed: Installed, tmp_path: Path) -> None:
    tool = str(installed.python.parent / "greenfield")
    assert installed.run(tool, "init", "start", "--site", "berlin1", folder=tmp_path).returncode == 0
    folder = tmp_path / "start"
    assert installed.run("pulumi", "stack", "init", "production", folder=folder).returncode == 0
    result = installed.run("pulumi", "preview", "--non-interactive", folder=folder)
    assert result.returncode == 0, result.stdout
    assert re.search(r"greenfield:index:Cluster first create", result.stdout), result.stdout


def test_a_wrong_spec_is_told_in_words(installed: Installed, tmp_path: Path) -> None:
    """Every problem of the spec, and no stack trace."""
    tool = str(installed.python.parent / "greenfield")
    assert installed.run(tool, "init", "start", folder=tmp_path).returncode == 0
    folder = tmp_path / "start"
    cluster = folder / "cluster.yaml"
    cluster.write_text(cluster.read_text().replace("members: 3", "members: 4").replace("pool: control", "pool: contrl"))
    assert installed.run("pulumi", "stack", "init", "wrong", folder=folder).returncode == 0
    result = installed.run("pulumi", "preview", "--non-interactive", folder=folder)
    assert result.returncode != 0
    assert "contrl" in result.stdout
    assert "Traceback" not in result.stdout, result.stdout


def test_the_schema_is_one_that_other_languages_can_use(installed: Installed, tmp_path: Path) -> None:
    """Pulumi asks the plugin for its schema over gRPC, finds it sound, and it is what ``--schema`` prints."""
    asked = installed.run(
        "pulumi", "package", "get-schema", str(installed.python.parent / "pulumi-resource-greenfield"), folder=tmp_path
    )
    assert asked.returncode == 0, asked.stdout
    start = asked.stdout.index("{")
    asked_schema = json.loads(asked.stdout[start:])
    assert {name.rsplit(":", 1)[-1] for name in asked_schema["resources"]} == {
        *("Authority", "Cell", "Formation", "Kubeconfig", "Password", "Preflight")
    }
    file = tmp_path / "schema.json"
    file.write_text(asked.stdout[start:])
    checked = installed.run("pulumi", "schema", "check", str(file), folder=tmp_path)
    assert checked.returncode == 0, checked.stdout
    assert "warning" not in checked.stdout.lower(), checked.stdout

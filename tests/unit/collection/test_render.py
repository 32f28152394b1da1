"""The action plugin of greenfield.host.tree renders a role's tree on the controller."""

from __future__ import annotations

import getpass
import grp
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from greenfield import content

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  roles: [probe]
"""


@pytest.fixture
def play(tmp_path):
    """``play(templates, **arguments)`` runs the module in a role with these templates."""
    (tmp_path / "play.yml").write_text(PLAYBOOK)

    def run(templates: dict[str, str], **arguments) -> subprocess.CompletedProcess[str]:
        role = tmp_path / "roles/probe"
        for name, text in templates.items():
            path = role / "templates/tree" / str(tmp_path).lstrip("/") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (role / "tasks").mkdir(exist_ok=True)
        own = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}
        arguments = {"source": "tree", "attributes": [{"path": "*", **own}], **arguments}
        task = {"name": "Probe", "greenfield.host.tree": arguments}
        (role / "tasks/main.yml").write_text(json.dumps([task]))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(content.collections()),
            "ANSIBLE_ROLES_PATH": str(tmp_path / "roles"),
            "ANSIBLE_NOCOLOR": "1",
        }
        command = [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", "-c", "local", "play.yml"]
        variables = ["-e", f"ansible_python_interpreter={sys.executable}", "-e", json.dumps({"value": 3})]
        return subprocess.run(
            [*command, *variables],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def test_templates_are_rendered_others_copied_and_placeholders_filled(play, tmp_path):
    templates = {
        "out/@name@/a.conf.j2": "{% if true %}\nvalue = {{ value }}\n{% endif %}\n",
        "out/b.txt": "{{ as it is }}\n",
    }
    done = play(templates, names={"name": "orders"})
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "out/orders/a.conf").read_text() == "value = 3\n"
    assert (tmp_path / "out/b.txt").read_text() == "{{ as it is }}\n"


def test_an_undefined_variable_is_told_with_its_template(play, tmp_path):
    done = play({"out/a.conf.j2": "{{ nowhere }}\n", "out/b.conf": "x"})
    assert done.returncode != 0
    assert "a.conf.j2" in done.stdout
    assert "nowhere" in done.stdout
    assert not (tmp_path / "out").exists()


def test_one_path_from_two_places_is_refused(play, tmp_path):
    path = str(tmp_path / "out/a")
    done = play({"out/a": "1"}, files=[{"path": path, "content": "2"}])
    assert "both in the tree" in done.stdout

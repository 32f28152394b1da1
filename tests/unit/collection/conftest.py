"""Runs a module of the collection in a process of its own, the way a host does, on files below a scratch folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from greenfield import content

Module = Callable[..., dict[str, Any]]

STARTER = """
import sys
from importlib import import_module
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
import json
with patch_module_args(json.load(sys.stdin)):
    import_module("ansible_collections.greenfield.host.plugins.modules." + sys.argv[1]).main()
"""


@pytest.fixture
def module(tmp_path: Path) -> Module:
    """``module("tree", check=True, files=[...])`` is what the module answers; ``failed`` is true when it refused."""

    def run(name: str, *, check: bool = False, diff: bool = False, **arguments: Any) -> dict[str, Any]:
        internal = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", STARTER, name],
            input=json.dumps({**arguments, **internal}),
            env={**os.environ, "PYTHONPATH": str(content.collections())},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout.strip(), done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return answer

    return run


@pytest.fixture
def owner() -> dict[str, str]:
    """Whoever runs the tests, as owner and group of files."""
    return {"owner": str(os.getuid()), "group": str(os.getgid())}

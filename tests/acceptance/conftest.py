"""Suites of an acceptance run, for ``greenfield verify SPEC`` and for ``pytest tests/acceptance --cluster SPEC``.

Each test proves the control it is marked with, on every host or engine that the plan names.
"""

from __future__ import annotations

import pytest

pytest_plugins = ("greenfield.verify.plugin",)


@pytest.fixture
def host(judged_host):
    """The host under test, as testinfra's host (the plan decides which, not ``--hosts``)."""
    return judged_host

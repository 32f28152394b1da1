"""docs/support.md is what the records say, and nothing else."""

from __future__ import annotations

import time

from prove.record import Record, Records
from prove.support import PAGE, modules, page


def test_the_page_is_made_from_the_records() -> None:
    # A run of events beside this test writes a record, and then the page.
    deadline = time.monotonic() + 10
    while PAGE.read_text() != page(Records().all(), modules()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert PAGE.read_text() == page(Records().all(), modules()), "make it anew: .venv/bin/python -m prove support"


def test_a_row_tells_versions_figures_and_failed_tries_and_what_was_never_proved() -> None:
    record = Record(
        "d", "c", "abc1234", "2026-11-30T10:00:00Z", 41.4, 2, {"gap_seconds": 1.5}, {"etcd": "3.6"}, tests=3
    )
    text = page({"etcd/lose": record}, {"etcd/lose": "tests/x.py", "etcd/never": "tests/y.py"})
    assert (
        "| lose | etcd 3.6 | 2026-11-30 at abc1234 (2 failed before) | 41 s | gap seconds 1.5 | `tests/x.py` |" in text
    )
    assert "| never | | never | | | `tests/y.py` |" in text
    assert "## etcd" in text

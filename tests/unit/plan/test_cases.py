"""Spec in, plan out: each folder of tests/plan_cases is one rule of placement or one reason to refuse."""

from __future__ import annotations

import pytest
from case_output import CASES, EXPECTED, case_names, output


@pytest.mark.parametrize("name", case_names())
def test_case_yields_what_is_expected(name: str) -> None:
    assert output(name) == (CASES / name / EXPECTED).read_text()


def test_there_are_cases() -> None:
    assert len(case_names()) >= 15

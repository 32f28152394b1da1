"""The generated parts of the page, and nothing else of it, are replaced."""

import pytest

from bench import __main__ as program
from bench.page import PAGE, markers, replace
from bench.process import BenchError


def test_only_the_named_part_changes():
    one, two = markers("one"), markers("two")
    page = f"# Page\n\n{one[0]}\nold\n{one[1]}\n\nwritten by hand\n\n{two[0]}\nkept\n{two[1]}\n"
    once = replace(page, "one", "new")
    assert once == page.replace(f"{one[0]}\nold\n", f"{one[0]}\n\nnew\n\n")
    assert replace(once, "one", "new") == once


@pytest.mark.parametrize("page", ["", "{0}", "{1}{0}", "{0}{0}{1}"])
def test_a_page_without_its_markers_is_refused(page):
    with pytest.raises(BenchError, match="once each"):
        replace(page.format(*markers("one")), "one", "new")


def test_the_page_has_a_place_for_every_part():
    text = PAGE.read_text(encoding="utf-8")
    for part in program.PARTS:
        assert "new" in replace(text, part, "new")

"""Rows and times as a reader of docs/performance.md sees them."""

from bench.table import Row, Times, mebibytes, seconds, table


def test_times_show_the_fastest_and_the_median():
    times = Times((3.0, 1.0, 2.0))
    assert (times.best, times.middle) == (1.0, 2.0)
    assert str(times) == "1.00 s (2.00 s, n=3)"
    assert str(Times((12.34,))) == "12.3 s"


def test_a_goal_that_is_missed_says_so():
    text = table([Row("reached", "1 s", "6 s", 6.0, "≥ 5×", True), Row("missed", "2 s", goal="< 1 s", met=False)])
    assert text.splitlines()[2:] == [
        "| reached | 1 s | 6 s | 6.0× | ≥ 5× | yes |",
        "| missed | 2 s |  |  | < 1 s | **no** |",
    ]


def test_units_fit_the_size():
    assert [seconds(0.5), seconds(45), seconds(300)] == ["0.50 s", "45.0 s", "300 s"]
    assert [mebibytes(3 * 2**19), mebibytes(95 * 2**20)] == ["1.5 MiB", "95 MiB"]

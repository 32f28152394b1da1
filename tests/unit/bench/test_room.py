"""Room is counted before hosts are started."""

import pytest

from bench.process import BenchError
from bench.room import wait_for, why_never


def test_a_size_that_never_fits_is_told_with_its_count():
    assert not why_never(3, 3, 128)
    assert not why_never(3, 4, 128)
    assert why_never(3, 9, 128) == (
        "12 hosts take about 186 inotify instances (23 a control-plane member, 13 a worker) "
        "and this machine gives root 128 (fs.inotify.max_user_instances), enough for 7"
    )


def test_what_never_fits_is_not_waited_for():
    with pytest.raises(BenchError, match="12 hosts take about 186"):
        wait_for(3, 9, print, most=128)

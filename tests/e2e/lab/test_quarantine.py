"""A change that goes on without a host."""

from __future__ import annotations

from delivery import Delivery, Figure

PROVES = ("site/quarantine", "redis/quarantine")
ORDER = 70


def test_quarantined_host_is_left_alone_and_caught_up(delivered: Delivery, record_property: Figure) -> None:
    """A change goes on without a host in quarantine, and reaches it when it is back."""
    delivered.lab.cut("r3-h2")
    delivered.edit("memory: 256MiB", "memory: 264MiB")
    result = delivered.up("--quarantine", "r3-h2")
    assert result.returncode == 0, result.stdout[-6000:]
    assert delivered.memory("r1-h2") == 264
    delivered.lab.clear()
    assert delivered.memory("r3-h2") == 256
    caught_up = delivered.up()
    record_property("catch_up_seconds", round(caught_up.seconds, 1))
    assert caught_up.returncode == 0, caught_up.stdout[-6000:]
    assert delivered.memory("r3-h2") == 264

"""A host that dies while it is changed."""

from __future__ import annotations

from delivery import Delivery, Figure, said_all
from patience import patience

PROVES = ("redis/die",)
ORDER = 40
FIXED = True


def test_host_dies_during_converge(delivered: Delivery, record_property: Figure) -> None:
    """A host that dies in the middle of a change is named; the rollout stops; a rerun finishes when it is back."""
    delivered.edit("memory: 256MiB", "memory: 272MiB")
    preview = delivered.greenfield("preview", str(delivered.spec))
    said_all(preview, r"~ r2-h2: redis_memory_bytes 268435456 → 285212672")
    process, log = delivered.start_up("dies")
    delivered.wait_for(log, "sessions-r1", 120)
    delivered.lab.kill_host("r3-h3")
    process.wait(patience(400))
    said = log.read_text(errors="replace")
    assert process.returncode == 1, said[-4000:]
    assert "r3-h3" in said
    delivered.lab.start_host("r3-h3")
    result = delivered.up()
    record_property("finish_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-6000:]
    assert delivered.memory("r3-h3") == 272

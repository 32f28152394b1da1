"""A host that shows another key than the pinned one."""

from __future__ import annotations

from pathlib import Path

from delivery import Delivery, said_all

PROVES = ("site/host-key",)
ORDER = 30
FIXED = True


def test_changed_host_key_is_refused(delivered: Delivery) -> None:
    """A host that shows another key than the pinned one is not talked to, and nothing else is touched."""
    known = Path(delivered.site.access.known_hosts)
    good = known.read_text()
    other = delivered.run("r2-h1", "cat /etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[1]
    own = delivered.run("r1-h1", "cat /etc/ssh/ssh_host_ed25519_key.pub").stdout.split()[1]
    known.write_text(good.replace(own, other))
    try:
        delivered.edit("memory: 256MiB", "memory: 272MiB")
        before = delivered.logins()
        result = delivered.up()
        assert result.returncode == 1
        said_all(result, r"r1-h1 .*another host key", "nothing was changed on any host")
        assert delivered.logins() == before
    finally:
        known.write_text(good)

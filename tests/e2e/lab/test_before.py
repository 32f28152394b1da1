"""Before anything is delivered: what a user sees first, and what is refused before a host is touched."""

from __future__ import annotations

from delivery import Delivery, said_all

PROVES = ("site/preview", "site/refuse")
ORDER = 10
FIXED = True


def test_preview_is_offline(delivery: Delivery) -> None:
    """A preview of a fresh spec shows what would be made and logs in nowhere."""
    result = delivery.greenfield("preview", str(delivery.spec))
    assert result.returncode == 0, result.stdout
    said_all(result, r"Cell orders-config-store-r1 create", r"\+ \d+ to create")
    assert delivery.logins() == 0


def test_silent_host_is_named_and_nothing_is_touched(delivery: Delivery) -> None:
    """A host that does not answer stops the run before any host is changed."""
    fault = delivery.lab.cut("r2-h2")
    try:
        result = delivery.up()
    finally:
        delivery.lab.clear([fault.id])
    assert result.returncode == 1
    said_all(
        result, r"r2-h2 did not answer on port 22", r"nothing was changed on any host\. Reachable: 8 of 9", "quarantine"
    )
    assert delivery.logins() == 0


def test_tampered_artifact_stops_before_hosts(delivery: Delivery) -> None:
    """One flipped byte in the mirror is named, and no host is touched."""
    package = next((delivery.mirror / delivery.site.name / "apt").rglob("chrony_*.deb"))
    good = package.read_bytes()
    # Under a new inode: other mirrors of this machine, and the store, have links to the old one.
    package.unlink()
    package.write_bytes(good[:1000] + bytes([good[1000] ^ 1]) + good[1001:])
    try:
        result = delivery.up()
        assert result.returncode == 1
        said_all(result, "chrony_", "SHA-256")
        assert delivery.logins() == 0
    finally:
        package.write_bytes(good)

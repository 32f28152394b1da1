"""A certificate that ran out."""

from __future__ import annotations

import time

from delivery import Delivery, said_all

PROVES = ("host/renew",)
ORDER = 62


def test_expired_certificate_is_found_and_renewed(delivered: Delivery) -> None:
    """A host whose certificate was issued too long ago fails acceptance, and the next run renews that one alone."""
    issued = int(time.time()) - 200 * 86400
    delivered.age_certificate("orders-host-control-r1", "r1-h1", issued)
    result = delivered.verify("--only", "HOST-029")
    assert result.returncode == 1, result.stdout[-3000:]
    said_all(result, "FAILED IN PART", "r1-h1")
    renewed = delivered.up()
    assert renewed.returncode == 0, renewed.stdout[-6000:]
    said_all(renewed, "~ r1-h1: certificate renewed", "1 updated")
    passed = delivered.verify("--only", "HOST-029")
    assert passed.returncode == 0, passed.stdout[-3000:]

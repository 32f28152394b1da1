"""``greenfield:index:Authority``: a certificate authority, of a site's hosts or of one engine."""

from __future__ import annotations

from datetime import UTC, datetime

from greenfield.provider.resource import Call, Resource, Values
from greenfield.provider.values import UNKNOWN
from greenfield.provider.x509 import make_authority


class Authority(Resource):
    """Inputs: ``commonName``, ``lifetimeSeconds``. Outputs: ``certificate`` (PEM) and ``privateKey`` (PEM, secret)."""

    secrets = frozenset({"privateKey"})
    immutable = ("commonName", "lifetimeSeconds")

    async def create(self, call: Call, inputs: Values) -> Values:
        """Make a new authority."""
        if call.preview:
            return {**inputs, "certificate": UNKNOWN, "privateKey": UNKNOWN}
        pair = make_authority(inputs["commonName"], inputs["lifetimeSeconds"], datetime.now(UTC))
        return {**inputs, "certificate": pair.certificate, "privateKey": pair.private_key}

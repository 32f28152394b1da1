"""``greenfield:index:Password``: a random password, kept as a secret."""

from __future__ import annotations

import secrets
import string

from greenfield.provider.resource import Call, Resource, Values
from greenfield.provider.values import UNKNOWN

ALPHABET = string.ascii_letters + string.digits
"""62 characters that no configuration file needs to quote; 32 of them carry 190 bits."""

MINIMUM = 20


class Password(Resource):
    """Input: ``length``. Output: ``value`` (secret)."""

    secrets = frozenset({"value"})
    immutable = ("length",)

    def check(self, inputs: Values) -> list[tuple[str, str]]:
        """A password below ``MINIMUM`` characters is refused."""
        length = inputs.get("length")
        if isinstance(length, int) and length < MINIMUM:
            return [("length", f"{length} characters are too few; use {MINIMUM} or more")]
        return []

    async def create(self, call: Call, inputs: Values) -> Values:
        """Draw a password from the operating system's generator."""
        value = UNKNOWN if call.preview else "".join(secrets.choice(ALPHABET) for _ in range(inputs["length"]))
        return {**inputs, "value": value}

"""Credentials of members: what ``greenfield.engines.credential`` describes, made from an authority.

Everything is a function of the authority's key and the moment of issue, like members' certificates
(``greenfield.provider.x509``), so nothing of it is stored.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from greenfield.provider.x509 import Pair, derived_authority, derived_bytes, derived_key, issue

NO_OTHERS: Mapping[str, Pair] = {}

OWN = "ca"
"""File name of the engine's own authority."""


def make_credentials(
    authority: Pair,
    wanted: Mapping[str, Mapping[str, Any]],
    issued_at: int,
    lifetime_seconds: int,
    others: Mapping[str, Pair] = NO_OTHERS,
) -> dict[str, str]:
    """File name to content (PEM, or base64 for a bare secret) of a member's credentials.

    Args:
        authority: the engine's own authority.
        wanted: file name (without its ending) to ``Credential.as_json``.
        issued_at: moment of issue of the certificates, seconds since 1970. Bare keys do not depend on it.
        lifetime_seconds: how long certificates are valid from then.
        others: authorities of engines that this one refers to, by the option that names them.
    """
    signers = {"": authority}
    files = {f"{OWN}.crt": authority.certificate}
    for name, credential in wanted.items():
        if credential["form"] == "signing-key":
            pair = derived_key(authority, name)
            files |= {f"{name}.key": pair.private_key, f"{name}.pub": pair.certificate}
            continue
        if credential["form"] == "secret":
            files[f"{name}.secret"] = b64encode(derived_bytes(authority, name, 32)).decode()
            continue
        signer = credential["authority"]
        if signer not in signers:
            signers[signer] = others[credential["of"]] if credential.get("of") else derived_authority(authority, signer)
            files[f"{signer}.crt"] = signers[signer].certificate
        pair = issue(signers[signer], credential, issued_at, lifetime_seconds)
        files |= {f"{name}.crt": pair.certificate, f"{name}.key": pair.private_key}
    return files

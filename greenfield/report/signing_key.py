"""The site's signing key: made on first use beside the spec, readable by its owner alone."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # re-exported without saying so

from greenfield.errors import VerifyError


def key_path(folder: Path) -> Path:
    """Where the private key of a spec's site lies."""
    return folder / ".access" / "signing_key.pem"


def public_path(private: Path) -> Path:
    """Where the public key lies, beside the private one."""
    return private.with_suffix(".pub")


def signer(private: Path) -> CryptoSigner:
    """The key, made when there is none.

    Raises:
        VerifyError: it can't be read or written, is no ed25519 key, or others may read it.
    """
    try:
        if not private.exists():
            _make(private)
        if private.stat().st_mode & 0o077:
            raise VerifyError(f"{private} may be read by others", fix=f"chmod 600 {private}, or better: make a new key")
        key = load_pem_private_key(private.read_bytes(), password=None)
    except OSError as error:
        raise VerifyError(f"{private}: {error.strerror}", fix="make the folder writable for you") from error
    except ValueError as error:
        raise VerifyError(f"{private} is no private key: {error}", fix="restore it, or move it away") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise VerifyError(f"{private} is no ed25519 key", fix="move it away; a new one is made on the next run")
    return CryptoSigner(key, public_key_of(key.public_key()))


def public_key_of(key: PublicKeyTypes) -> SSlibKey:
    """The public key with its identifier.

    Raises:
        VerifyError: it is no ed25519 key.
    """
    if not isinstance(key, Ed25519PublicKey):
        raise VerifyError("the site's public key is no ed25519 key", fix="name the signing_key.pub of the site")
    return SSlibKey.from_crypto(key)


def _make(private: Path) -> None:
    private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    handle = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public_path(private).write_bytes(public)

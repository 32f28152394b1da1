"""Certificates of a site: an authority, and member certificates that are a function of the authority's key.

A member's private key is derived from the authority's key, the subject and the moment of issue (HKDF, RFC 5869), and
the signature is deterministic (RFC 6979). So the same issue can be made again at any time and no private key but the
authority's is ever stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CURVE = ec.SECP256R1()
CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of P-256 (SP 800-186, section 3.2.1.3)."""

BACKDATE = timedelta(minutes=5)
"""A certificate is valid from a little before its issue, for hosts whose clock is behind."""

USAGES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: str
    private_key: str


def make_authority(common_name: str, lifetime_seconds: int, now: datetime) -> Pair:
    """A new self-signed authority that can sign members but no further authority."""
    key = ec.generate_private_key(CURVE)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + timedelta(seconds=lifetime_seconds))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_authority_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(_pem(certificate), _key_pem(key))


def issue(authority: Pair, subject: Mapping[str, Any], issued_at: int, lifetime_seconds: int) -> Pair:
    """The certificate of a subject as of ``issued_at`` (seconds since 1970): the same arguments give the same bytes.

    Args:
        authority: the site's authority.
        subject: ``common_name``, ``dns`` (list), ``addresses`` (list), ``usages`` (``server``, ``client``), and
            ``organizations`` (list) where there are any.
        issued_at: the moment of issue; a renewal is the same subject at a later moment.
        lifetime_seconds: how long it is valid from then.
    """
    signer = _signer(authority)
    issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
    key = _derive(signer, subject, issued_at)
    start = datetime.fromtimestamp(issued_at, UTC)
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in subject["dns"]]
    names += [x509.IPAddress(ip_address(address)) for address in subject["addresses"]]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(_serial(key))
        .not_valid_before(start - BACKDATE)
        .not_valid_after(start + timedelta(seconds=lifetime_seconds))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([USAGES[usage] for usage in subject["usages"]]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256(), ecdsa_deterministic=True)
    )
    return Pair(_pem(certificate), _key_pem(key))


def derived_authority(authority: Pair, name: str) -> Pair:
    """A further authority whose key is derived from an authority's, with the same validity: always the same bytes."""
    key = _derived(authority, f"authority {name}")
    parent = x509.load_pem_x509_certificate(authority.certificate.encode())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(_serial(key))
        .not_valid_before(parent.not_valid_before_utc)
        .not_valid_after(parent.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_authority_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    return Pair(_pem(certificate), _key_pem(key))


def derived_key(authority: Pair, name: str) -> Pair:
    """A signing key that is derived from an authority's: the public half (PEM) in place of a certificate."""
    key = _derived(authority, f"key {name}")
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Pair(public.decode(), _key_pem(key))


def derived_bytes(authority: Pair, name: str, length: int) -> bytes:
    """A secret of ``length`` bytes that is derived from an authority's key."""
    return _stream(_signer(authority), f"secret {name}".encode(), length)


def _name(subject: Mapping[str, Any]) -> x509.Name:
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in subject.get("organizations") or ()]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, subject["common_name"])])


def _signer(authority: Pair) -> ec.EllipticCurvePrivateKey:
    signer = serialization.load_pem_private_key(authority.private_key.encode(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not an elliptic curve key")
    return signer


def _derived(authority: Pair, purpose: str) -> ec.EllipticCurvePrivateKey:
    return _to_key(_stream(_signer(authority), purpose.encode(), 48))


def _stream(signer: ec.EllipticCurvePrivateKey, purpose: bytes, length: int) -> bytes:
    material = signer.private_numbers().private_value.to_bytes(32, "big")
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=b"greenfield " + purpose).derive(material)


def _to_key(stream: bytes) -> ec.EllipticCurvePrivateKey:
    # 48 bytes reduced to a range of 32 leave a bias below 2^-128 (FIPS 186-5, appendix A.2.1).
    return ec.derive_private_key(int.from_bytes(stream, "big") % (CURVE_ORDER - 1) + 1, CURVE)


def _derive(
    signer: ec.EllipticCurvePrivateKey, subject: Mapping[str, Any], issued_at: int
) -> ec.EllipticCurvePrivateKey:
    purpose = f"member key\0{subject['common_name']}\0{','.join(subject['dns'])}\0{issued_at}"
    return _to_key(_stream(signer, purpose.encode(), 48))


def _serial(key: ec.EllipticCurvePrivateKey) -> int:
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
    return int.from_bytes(hashlib.sha256(point).digest()[:19], "big") | 1


def _authority_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()

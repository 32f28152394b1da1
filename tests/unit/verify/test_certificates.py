"""Certificates: the chain, the names, and what is left of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding

from greenfield.verify.certificates import Certificate

NOW = datetime.now(UTC)


def issue(name: str, issuer: str, key: EllipticCurvePrivateKey, signer: EllipticCurvePrivateKey, days: int = 90) -> str:
    own, by = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, word)]) for word in (name, issuer))
    san = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("10.77.1.11"))])
    builder = x509.CertificateBuilder(by, own, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW - timedelta(days=100)).not_valid_after(NOW + timedelta(days=days))
    return builder.add_extension(san, False).sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


SITE, OTHER, HOST = (generate_private_key(SECP256R1()) for _ in range(3))
AUTHORITY = issue("lab", "lab", SITE, SITE, days=3650)


def test_names_addresses_and_time_left() -> None:
    found = Certificate.parse(issue("r1-h1", "lab", HOST, SITE), AUTHORITY)
    assert (found.names, found.addresses, found.chained) == ({"r1-h1"}, {"10.77.1.11"}, True)
    assert 89 * 86400 < found.left_seconds <= 90 * 86400


def test_another_authority_of_the_same_name_does_not_chain() -> None:
    assert not Certificate.parse(issue("r1-h1", "lab", HOST, OTHER), AUTHORITY).chained


def test_an_expired_certificate_does_not_chain_and_has_nothing_left() -> None:
    found = Certificate.parse(issue("r1-h1", "lab", HOST, SITE, days=-1), AUTHORITY)
    assert not found.chained and found.left_seconds < 0

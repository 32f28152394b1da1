"""Certificates as functions of the authority's key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from greenfield.provider.x509 import Pair, issue, make_authority

NOW = datetime(2026, 5, 1, tzinfo=UTC)
AT = int(NOW.timestamp())
YEAR = 365 * 86400
SUBJECT: dict[str, Any] = {
    "common_name": "kv",
    "dns": ["r1-h1", "r1-h1.lab", "localhost"],
    "addresses": ["10.0.0.1", "127.0.0.1"],
    "usages": ["server", "client"],
}


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_authority("lab site authority", 10 * YEAR, NOW - timedelta(days=1))


def test_the_same_issue_gives_the_same_bytes(authority: Pair) -> None:
    assert issue(authority, SUBJECT, AT, YEAR) == issue(authority, dict(SUBJECT), AT, YEAR)


@pytest.mark.parametrize(
    "other",
    [{"common_name": "kw"}, {"dns": ["r1-h2"]}],
    ids=["name", "host"],
)
def test_another_subject_has_another_key(authority: Pair, other: dict[str, Any]) -> None:
    one, two = issue(authority, SUBJECT, AT, YEAR), issue(authority, {**SUBJECT, **other}, AT, YEAR)
    assert one.private_key != two.private_key


def test_a_renewal_has_another_key_and_serial(authority: Pair) -> None:
    one, two = issue(authority, SUBJECT, AT, YEAR), issue(authority, SUBJECT, AT + 1, YEAR)
    assert one.private_key != two.private_key
    serials = {x509.load_pem_x509_certificate(made.certificate.encode()).serial_number for made in (one, two)}
    assert len(serials) == 2


def test_another_authority_gives_other_keys(authority: Pair) -> None:
    other = make_authority("lab site authority", 10 * YEAR, NOW)
    assert issue(authority, SUBJECT, AT, YEAR).private_key != issue(other, SUBJECT, AT, YEAR).private_key


def test_a_member_is_trusted_by_name_and_address_within_its_life_only(authority: Pair) -> None:
    made = issue(authority, SUBJECT, AT, YEAR)
    leaf = x509.load_pem_x509_certificate(made.certificate.encode())
    root = x509.load_pem_x509_certificate(authority.certificate.encode())
    leaf.verify_directly_issued_by(root)
    key = load_pem_private_key(made.private_key.encode(), None)
    assert key.public_key() == leaf.public_key()
    assert leaf.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert leaf.not_valid_after_utc == NOW + timedelta(seconds=YEAR)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == SUBJECT["dns"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == SUBJECT["addresses"]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_usages_are_those_asked_for(authority: Pair) -> None:
    made = issue(authority, {**SUBJECT, "usages": ["server"]}, AT, YEAR)
    leaf = x509.load_pem_x509_certificate(made.certificate.encode())
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_an_authority_signs_members_but_no_authority(authority: Pair) -> None:
    root = x509.load_pem_x509_certificate(authority.certificate.encode())
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)
    usage = root.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign
    assert not usage.digital_signature


def test_a_strict_verifier_trusts_the_chain(authority: Pair) -> None:
    """The verifier of the cryptography library holds certificates to the profile of the web's authorities."""
    made = issue(authority, SUBJECT, AT, 90 * 86400)
    leaf = x509.load_pem_x509_certificate(made.certificate.encode())
    root = x509.load_pem_x509_certificate(authority.certificate.encode())
    verifier = PolicyBuilder().store(Store([root])).time(NOW).build_server_verifier(x509.DNSName("r1-h1.lab"))
    assert verifier.verify(leaf, []) == [leaf, root]

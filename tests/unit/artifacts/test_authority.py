"""The registry's certificates: made once, kept private, renewed when they no longer fit."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from greenfield.artifacts import authority
from greenfield.artifacts.authority import Authority
from greenfield.errors import ArtifactError


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENFIELD_MIRROR_DIR", str(tmp_path / "mirrors"))


def test_nothing_is_made_before_it_is_asked_for() -> None:
    made = Authority("lab")
    assert made.certificate(create=False) == ""
    assert not made.home.exists()
    with pytest.raises(ArtifactError, match="is not on this workstation"):
        made.server(["10.0.0.1"])


def test_the_authority_is_made_once_and_its_key_is_private() -> None:
    pem = Authority("lab").certificate(create=True)
    assert Authority("lab").certificate(create=True) == pem
    home = Authority("lab").home
    assert home.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()} == {
        "authority.key": 0o600,
        "authority.pem": 0o600,
    }
    found = x509.load_pem_x509_certificate(pem.encode())
    found.verify_directly_issued_by(found)
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_server_certificate_is_for_its_names_and_signed_by_the_authority() -> None:
    site = Authority("a-site-whose-name-is-as-long-as-a-name-may-be-which-is-63-letters")
    pem = site.certificate(create=True)
    files = site.server(["10.77.0.2", "mirror.example", "10.77.0.2"])
    found = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(pem.encode()))
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("10.77.0.2")]
    assert names.get_values_for_type(x509.DNSName) == ["mirror.example"]
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert files.key.stat().st_mode & 0o777 == 0o600


def test_a_server_certificate_is_kept_while_it_fits_and_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Authority("lab")
    site.certificate(create=True)
    first = site.server(["10.0.0.1"])
    assert site.server(["10.0.0.1"]) == first
    second = site.server(["10.0.0.2"])
    assert second.fingerprint != first.fingerprint
    monkeypatch.setattr(authority, "RENEW_BEFORE", authority.SERVER_LIFE - timedelta(days=1))
    assert site.server(["10.0.0.2"]) == second
    monkeypatch.setattr(authority, "RENEW_BEFORE", authority.SERVER_LIFE + timedelta(days=1))
    assert site.server(["10.0.0.2"]).fingerprint != second.fingerprint


def test_a_certificate_of_another_authority_is_replaced() -> None:
    site = Authority("lab")
    site.certificate(create=True)
    first = site.server(["10.0.0.1"])
    (site.home / "authority.pem").unlink()
    fresh = x509.load_pem_x509_certificate(site.certificate(create=True).encode())
    second = site.server(["10.0.0.1"])
    assert second.fingerprint != first.fingerprint
    x509.load_pem_x509_certificate(second.certificate.read_bytes()).verify_directly_issued_by(fresh)

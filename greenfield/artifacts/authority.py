"""The certificates of a mirror's registry: an authority that hosts trust, and a certificate for the mirror's address.

The authority's key lies beside the key that signs packages, with the same protection: made once, never served, mode
0600 in a folder of mode 0700.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from greenfield.artifacts.place import state_dir
from greenfield.errors import ArtifactError

AUTHORITY_LIFE = timedelta(days=7305)
"""Twenty years: longer than hosts live, since all of them must learn a new one."""

SERVER_LIFE = timedelta(days=1826)
RENEW_BEFORE = timedelta(days=365)
"""A certificate is made anew when the registry starts and less than this is left."""

BACKDATE = timedelta(minutes=5)
"""Valid from a little before its issue, for hosts whose clock is behind."""

LONGEST_NAME = 64
"""Characters of a common name (ub-common-name of X.520)."""


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """Where a server finds its certificate and key; ``fingerprint`` (SHA-256) changes when they do."""

    certificate: Path
    key: Path
    fingerprint: str


class Authority:
    """The authority of one site's registry."""

    def __init__(self, site: str) -> None:
        """``site`` is the site's name; everything lies in ``registry`` below the mirror's state."""
        self.site = site
        self.home = state_dir(site) / "registry"

    def certificate(self, *, create: bool) -> str:
        """PEM of the authority; empty when there is none and ``create`` is false."""
        place = self.home / "authority.pem"
        if not place.exists() and create:
            self.home.mkdir(mode=0o700, exist_ok=True)
            certificate, key = _authority(f"Greenfield registry of {self.site}"[:LONGEST_NAME])
            _write(self.home / "authority.key", _key_pem(key))
            # Last: a certificate without its key would never be mended.
            _write(place, certificate.public_bytes(serialization.Encoding.PEM))
        return place.read_text(encoding="ascii") if place.exists() else ""

    def server(self, names: Iterable[str]) -> ServerFiles:
        """A certificate for these addresses or host names; the one that is there while it fits and lasts.

        Raises:
            ArtifactError: this workstation does not hold the authority.
        """
        if not self.certificate(create=False):
            raise ArtifactError(
                f"the authority of the registry of site {self.site} is not on this workstation",
                fix=f"bring {self.home} from the machine that made the lock, or: greenfield mirror lock SPEC --new-key",
            )
        wanted = sorted(set(names))
        place, key = self.home / "server.pem", self.home / "server.key"
        if not (place.exists() and key.exists() and self._fits(place, wanted)):
            certificate, private = self._issue(wanted)
            place.unlink(missing_ok=True)
            _write(key, _key_pem(private))
            _write(place, certificate.public_bytes(serialization.Encoding.PEM))
        found = x509.load_pem_x509_certificate(place.read_bytes())
        return ServerFiles(place, key, found.fingerprint(hashes.SHA256()).hex())

    def _fits(self, place: Path, wanted: list[str]) -> bool:
        found = x509.load_pem_x509_certificate(place.read_bytes())
        authority = x509.load_pem_x509_certificate((self.home / "authority.pem").read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        try:
            found.verify_directly_issued_by(authority)
        except Exception:  # of cryptography: ValueError, TypeError or InvalidSignature; all mean another authority
            return False
        return set(names) == set(map(_name, wanted)) and found.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE

    def _issue(self, wanted: list[str]) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        authority = x509.load_pem_x509_certificate((self.home / "authority.pem").read_bytes())
        signer = serialization.load_pem_private_key((self.home / "authority.key").read_bytes(), password=None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise ArtifactError(f"{self.home / 'authority.key'} is not a key that Greenfield made")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"registry of {self.site}"[:LONGEST_NAME])])
        built = (
            _builder(subject, authority.subject, key, SERVER_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(map(_name, wanted)), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        return built.sign(signer, hashes.SHA256()), key


def _authority(common_name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"), False
    )  # fmt: skip
    built = (
        _builder(name, name, key, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return built.sign(key, hashes.SHA256()), key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + life)
    )


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(place: Path, content: bytes) -> None:
    """In one step, readable by nobody else."""
    fresh = place.with_name(f"{place.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
    fresh.replace(place)

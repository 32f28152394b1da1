"""Certificates as they lie on a host."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import testinfra.host
from cryptography import x509
from cryptography.exceptions import InvalidSignature


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says. ``chained``: signed by the authority beside it and valid by the workstation's clock."""

    names: frozenset[str]
    addresses: frozenset[str]
    ends: datetime
    chained: bool
    authority: str

    @property
    def left_seconds(self) -> float:
        """Time until it ends; negative when it has."""
        return (self.ends - datetime.now(UTC)).total_seconds()

    @classmethod
    def read(cls, host: testinfra.host.Host, path: str, authority_path: str) -> Certificate:
        """Read a PEM certificate and its authority from a host."""
        return cls.parse(host.check_output(f"cat {path}"), host.check_output(f"cat {authority_path}"))

    @classmethod
    def parse(cls, pem: str, authority_pem: str) -> Certificate:
        """Read a PEM certificate and its authority's."""
        own = x509.load_pem_x509_certificate(pem.encode())
        authority = x509.load_pem_x509_certificate(authority_pem.encode())
        try:
            san = own.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names = frozenset(san.get_values_for_type(x509.DNSName))
            addresses = frozenset(str(item) for item in san.get_values_for_type(x509.IPAddress))
        except x509.ExtensionNotFound:
            names, addresses = frozenset(), frozenset()
        return cls(names, addresses, own.not_valid_after_utc, _chained(own, authority), authority_pem.strip())


def site_authority(host: testinfra.host.Host) -> str:
    """The authority (PEM) that a host's own certificate is from. No engine may take it for its own."""
    return str(host.check_output("cat /etc/greenfield/pki/ca.crt")).strip()


def _chained(own: x509.Certificate, authority: x509.Certificate) -> bool:
    now = datetime.now(UTC)
    try:
        own.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return all(item.not_valid_before_utc <= now < item.not_valid_after_utc for item in (own, authority))


def key_matches(host: testinfra.host.Host, certificate: str, key: str) -> bool:
    """Whether a private key on a host belongs to a certificate there. The key doesn't leave the host."""
    script = "import ssl,sys;ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*sys.argv[1:]);print('ok')"
    return bool(host.run(f'python3 -c "{script}" {certificate} {key}').stdout.strip() == "ok")

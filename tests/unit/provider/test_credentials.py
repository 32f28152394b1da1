"""Credentials are a function of the authority's key and the moment of issue, and attest what they should."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from greenfield.engines.credential import Bearer
from greenfield.engines.kubernetes import KUBERNETES, node_credentials
from greenfield.provider.credentials import make_credentials
from greenfield.provider.x509 import make_authority

AT = 1_790_000_000
YEAR = 365 * 86400
OPTIONS = {"etcd": "stacked", "service_network": "10.96.0.0/16", "dns_domain": "cluster.local"}


def bearer(host: str = "r1-h1", **options: str) -> Bearer:
    return Bearer(host, "lab.internal", "10.77.1.11", "server-1", {**OPTIONS, **options})


@pytest.fixture(scope="module")
def authority():
    return make_authority("platform", 10 * YEAR, datetime.fromtimestamp(AT - 86400, UTC))


@pytest.fixture(scope="module")
def files(authority):
    wanted = {name: credential.as_json() for name, credential in KUBERNETES.credentials(bearer()).items()}
    return make_credentials(authority, wanted, AT, YEAR)


def certificate(files, name):
    return x509.load_pem_x509_certificate(files[f"{name}.crt"].encode())


def test_the_same_arguments_give_the_same_bytes(authority, files) -> None:
    wanted = {name: credential.as_json() for name, credential in KUBERNETES.credentials(bearer()).items()}
    assert make_credentials(authority, wanted, AT, YEAR) == files


def test_kubeadm_finds_every_file_of_its_external_ca_mode(files) -> None:
    names = ["apiserver", "apiserver-kubelet-client", "front-proxy-client", "apiserver-etcd-client"]
    names += ["etcd/server", "etcd/peer", "etcd/healthcheck-client"]
    expected = {f"{name}.{ending}" for name in names for ending in ("crt", "key")}
    assert expected | {"ca.crt", "front-proxy-ca.crt", "etcd/ca.crt", "sa.key", "sa.pub"} <= files.keys()


def test_no_authority_key_is_given_to_a_host(authority, files) -> None:
    assert authority.private_key not in files.values()
    assert not {"ca.key", "front-proxy-ca.key", "etcd/ca.key"} & files.keys()


@pytest.mark.parametrize(
    ("name", "signer"),
    [("apiserver", "ca"), ("front-proxy-client", "front-proxy-ca"), ("etcd/peer", "etcd/ca"), ("kubelet-client", "ca")],
)
def test_each_is_signed_by_its_own_authority(files, name, signer) -> None:
    certificate(files, name).verify_directly_issued_by(certificate(files, signer))
    other = {"ca": "etcd/ca", "etcd/ca": "front-proxy-ca", "front-proxy-ca": "ca"}[signer]
    with pytest.raises(ValueError, match="issuer"):
        certificate(files, name).verify_directly_issued_by(certificate(files, other))


def test_a_kubelet_is_a_node_of_its_name(files) -> None:
    subject = certificate(files, "kubelet-client").subject
    assert subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "system:node:r1-h1"
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "system:nodes"


def test_the_api_server_is_known_by_its_service_address(files) -> None:
    names = certificate(files, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {
        "127.0.0.1",
        "10.77.1.11",
        "10.96.0.1",
    }


def test_tokens_signed_by_one_member_are_valid_on_another(authority, files) -> None:
    """The key of service accounts and the one that encrypts secrets are the engine's, not the host's, and last."""
    wanted = {name: credential.as_json() for name, credential in KUBERNETES.credentials(bearer("r2-h1")).items()}
    other = make_credentials(authority, wanted, AT + YEAR, YEAR)
    assert other["sa.key"] == files["sa.key"]
    assert other["encryption.secret"] == files["encryption.secret"]
    assert other["apiserver.key"] != files["apiserver.key"]


def test_the_public_half_fits_the_signing_key(files) -> None:
    key = serialization.load_pem_private_key(files["sa.key"].encode(), password=None)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert public.decode() == files["sa.pub"]
    assert len(b64decode(files["encryption.secret"])) == 32


def test_a_client_of_another_engine_is_signed_by_that_engines_authority(authority) -> None:
    """An external etcd's: its certificate lies where kubeadm looks for it, and none of an etcd of our own is made."""
    store = make_authority("store", 10 * YEAR, datetime.fromtimestamp(AT - 86400, UTC))
    wanted = {name: each.as_json() for name, each in KUBERNETES.credentials(bearer(etcd="store")).items()}
    files = make_credentials(authority, wanted, AT, YEAR, {"etcd": store})
    assert files["etcd/ca.crt"] == store.certificate
    certificate(files, "apiserver-etcd-client").verify_directly_issued_by(certificate(files, "etcd/ca"))
    assert store.private_key not in files.values()
    assert "etcd/server.crt" not in files


def test_a_worker_gets_nothing_of_the_control_plane() -> None:
    assert set(node_credentials(bearer())) == {"kubelet-client", "kubelet-server", "kube-proxy", "agent"}

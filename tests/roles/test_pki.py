"""The role `pki`: certificates in place, trusted, and their keys known to nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

PROVES = ("host/certificates",)
ORDER = 30

FOLDER = "/etc/greenfield/pki"


@pytest.fixture(scope="module")
def converged(scenario):
    return scenario("pki")


@pytest.fixture
def hosts(converged, connect):
    return [connect(target.name) for target in converged.layer.targets]


def test_few_executions(converged):
    assert converged.first.executions <= 2 * len(converged.layer.targets)


def test_the_whole_system_trusts_the_authority(hosts):
    for host in hosts:
        assert host.check_output(
            f"openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt {FOLDER}/host.crt"
        ).endswith("OK")


def test_certificate_names_the_host(converged, connect, plan):
    for target in converged.layer.targets:
        names = connect(target.name).check_output(f"openssl x509 -noout -ext subjectAltName -in {FOLDER}/host.crt")
        assert f"DNS:{target.name}.{plan.site.domain}" in names
        assert f"IP Address:{target.address}" in names


def test_key_belongs_to_the_certificate_and_to_root(hosts):
    for host in hosts:
        of_key = host.check_output(f"openssl pkey -pubout -in {FOLDER}/host.key")
        assert of_key == host.check_output(f"openssl x509 -noout -pubkey -in {FOLDER}/host.crt")
        key = host.file(f"{FOLDER}/host.key")
        assert (key.mode, key.user, key.group) == (0o600, "root", "root")


def test_keys_are_in_no_log(converged, hosts):
    secret = converged.layer.targets[0].variables["pki_private_key"].splitlines()[1]
    for result in (converged.first, converged.again, converged.checked):
        assert secret not in Path(result.log).read_text()
    journal = hosts[0].check_output("journalctl --no-pager --output=cat | cat")
    assert "greenfield" in journal
    assert secret not in journal
